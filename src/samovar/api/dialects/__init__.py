"""One folder per API family: wire types, two pure translators (wire → core, core → wire), error shape, routes."""
