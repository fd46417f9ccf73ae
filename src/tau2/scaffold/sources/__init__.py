"""What `tau2 new domain --from` reads, a module for each kind of source."""
