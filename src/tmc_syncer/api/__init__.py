"""tmc-syncer's own API: names, locators, resource types, records, selectors, the SyncTarget. Pure."""
