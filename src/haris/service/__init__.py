"""The service layer: what protects an application."""
