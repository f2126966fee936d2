"""HTTP/1.1 over TLS, as a server that holds secrets needs it."""
