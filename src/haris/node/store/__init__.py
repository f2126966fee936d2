"""What a site keeps: one file a concept, each verb one durable transaction, over SQLite or PostgreSQL."""
