# A Python environment of packages that were fetched before. Built without a network; nothing of the packages is run.
ARG BASE
FROM ${BASE}
LABEL testwright.build=@TOKEN@
USER 0:0
# The user that a container runs as needs a name: some programs ask for it.
RUN grep -q '^[^:]*:[^:]*:64000:' /etc/group || echo 'box:x:64000:' >>/etc/group; \
    grep -q '^[^:]*:[^:]*:64000:' /etc/passwd || echo 'box:x:64000:64000::/tmp/home:/bin/sh' >>/etc/passwd
ARG PYTHON
ARG PREFIX
RUN "${PYTHON}" -I -m venv --without-pip "${PREFIX}"
COPY environment ${PREFIX}
# Some packages hold templates that are no Python.
RUN "${PYTHON}" -I -S -W ignore -c 'import compileall, sys; compileall.compile_dir(sys.argv[1], quiet=2, workers=0)' \
    "${PREFIX}/lib"
ENV HOME=/tmp/home
USER 64000:64000
WORKDIR /tmp
