"""Who is asking and what they may do: certificates, tokens, impersonation, RBAC and the review types of one control plane."""
