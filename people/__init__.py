"""Who people are: units, persons, accounts, roles, sessions, consents, audit trail."""
