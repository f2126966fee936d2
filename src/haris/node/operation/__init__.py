"""What operators see of a site: alarms, accounts, audit, metrics, status."""
