"""The documentation as a site: the configuration of Sphinx, and the drawing of state diagrams."""
