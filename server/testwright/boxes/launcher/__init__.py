"""The program that stands between us and a boxed one where there are no namespaces.

It runs in our own interpreter, isolated (``-I -S``), with this package as a top-level one: standard library and
relative imports only. It confines a child (Landlock, seccomp, limits, a user of its own), starts the program in it, and
stays as the parent of whatever the program leaves behind, to kill all of it at the end.
"""
