"""The terminal applications: Textual widgets over the plain data of `tau2.view.content`."""
