"""What the tests are made of: network namespaces, daemons, traffic, captures, a guest."""
