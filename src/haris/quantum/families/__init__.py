"""Protocol families: what each kind of protocol makes of a link's five parts."""
