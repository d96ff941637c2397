"""A kubelet for the tests that runs each container as real processes of this machine. Linux, root, Debian's packages.

It serves two nodes of the control plane of `tests.lib.controlplane`. An image is a line in a table (`images`): the
contract that its documentation states, kept by programs that Debian packages. A pod has a network namespace and an
address of its own; each of its containers has mount and PID namespaces, a root file system made of the machine's
programs, and the volumes, environment, user, probes and hooks that its spec asks for. Services have their addresses
(iptables in the node's namespace) and names (a small DNS server); the Service `kubernetes` leads to the API server, where
a pod is its ServiceAccount and may do what that one may. Memory and CPU limits and network policies are read by nothing
here.

`__main__` runs all of it in mount and PID namespaces of its own: whatever kills it leaves no process, mount, interface
or network namespace behind.
"""
