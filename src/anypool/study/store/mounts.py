"""On which kind of file system a file stands."""

from __future__ import annotations

from pathlib import Path

MOUNTS = Path("/proc/mounts")
# Several machines may see these, and SQLite's write-ahead log needs memory that all writers share.
NETWORK = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "virtiofs", "vboxsf"),
    *("lustre", "gpfs", "beegfs", "ceph", "glusterfs", "ocfs2", "gfs2", "orangefs", "pvfs2"),
    *("fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.ceph-fuse", "fuse.rclone"),
    *("fuse.s3fs", "fuse.gcsfuse", "fuse.juicefs", "fuse.smbnetfs", "fuse.quobyte"),
}


def network(path: Path) -> str | None:
    """The kind of network file system `path` stands on; None if on none that is known.

    Where the system has no /proc/mounts (macOS, Windows) there is nothing to learn.
    """
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    kind = _kind_at(path.resolve(), [line.split() for line in lines])
    return kind if kind in NETWORK else None


def _kind_at(path: Path, mounts: list[list[str]]) -> str | None:
    """The file system of the deepest mount above `path`; of two on one point the later hides."""
    above = {}
    for _, point, kind, *_ in mounts:
        place = Path(_plain(point))
        if path.is_relative_to(place):
            above[len(place.parts)] = kind
    return above[max(above)] if above else None


def _plain(point: str) -> str:
    """The mount point as a path: the kernel writes blanks in octal."""
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, letter)
    return point
