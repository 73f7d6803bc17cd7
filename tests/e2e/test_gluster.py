"""Two hosts' sessions over one GlusterFS volume."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import pop3

CASES = 4


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
@pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="no /dev/fuse")
@pytest.mark.skipif(not shutil.which("glusterfsd"),
                    reason="no glusterfs-server")
@pytest.mark.skipif(not shutil.which("glusterfs"),
                    reason="no glusterfs-client")
def test_two_hosts_over_glusterfs():
    # nobody must be able to reach it
    top = pathlib.Path(subprocess.check_output(
        ["mktemp", "-d", "/tmp/pop3d-gluster-XXXXXX"], text=True).strip())
    try:
        done = subprocess.run(
            ["timeout", "100", "unshare", "--mount", "--net", "--pid",
             "--fork", "--mount-proc", "--kill-child", sys.executable,
             pathlib.Path(__file__).with_name("gluster.py"),
             os.path.abspath(pop3.binary()), top],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
    finally:
        top.rmdir()
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("holds:") == CASES
