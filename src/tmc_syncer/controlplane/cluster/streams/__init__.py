"""What kubectl streams: logs, exec, attach, port-forward. Nothing of the host is ever run or read."""
