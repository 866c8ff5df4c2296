"""A study on a Ray cluster: two nodes on this machine, one of which is lost on the way."""

import os
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("rich", reason="rich is not installed")
pytest.importorskip("ray", reason="ray is not installed")

import ray

import toy_trials as toy
from anypool.errors import PoolError
from anypool.study import drive, node, rays, where
from anypool.study.pools import Here
from toy_runs import Memory, run, same

pytestmark = [
    # Ray leaves sockets and log files of processes that it ended to the garbage collector
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Tip:FutureWarning"),
]
PATHS = os.pathsep.join(str(Path(__file__).parents[k] / name) for k, name in ((1, "src"), (0, "")))


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """Also where the tests were started with it ignored, as a shell's & does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def cluster(monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", PATHS)
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.mark.slow
def test_a_node_that_is_lost_takes_no_trial_along(cluster, tmp_path):
    lost = cluster.add_node(num_cpus=2)
    trials = toy.trials(6, epochs=5, pause=0.1)
    ended = []
    removed = threading.Thread(target=remove, args=(cluster, lost, tmp_path, ended))
    with rays.Cluster(cluster.address) as executor:
        assert executor.workers == 3
        removed.start()
        store, summary = run(trials, tmp_path, executor, Memory())
        removed.join()
        assert executor.workers == 1
    assert (summary.done, summary.failed) == (12, {})
    assert ended[0] < 12  # there was work to lose
    for trial in trials:
        same(store.rows[trial.key], toy.told(trial))


def remove(cluster, lost, folder, ended):
    """Take the node away once trials have ended there and others run."""
    while len(list(folder.glob("*.ended"))) < 3:
        time.sleep(0.01)
    ended.append(len(list(folder.glob("*.ended"))))
    cluster.remove_node(lost, allow_graceful=False)


@pytest.mark.nightly
def test_ctrl_c_leaves_checkpoints_and_a_node_without_the_data_gets_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", PATHS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "far"))
    monkeypatch.setattr(rays, "STANDING", tmp_path / "none")
    data = tmp_path / "digest"
    (data / "deep").mkdir(parents=True)
    (data / "deep" / "x.npy").write_bytes(b"pixels")
    scratch = tmp_path / "scratch"
    trials = toy.trials(2, epochs=10, pause=0.2)
    first = toy.Job(trials[0], str(scratch), str(data))
    with rays.Cluster(workers=2) as executor:
        same(executor.submit(toy.work, first).result(), toy.told(trials[0]))
        shutil.rmtree(data)  # from now on the node is as far as another machine's
        assert executor.submit(toy.look, first).result() == {"deep/x.npy": b"pixels"}
        with pytest.raises(ZeroDivisionError, match="zero") as caught:
            executor.submit(divmod, 1, 0).result()
        assert "Traceback" in caught.value.__notes__[0]
        scratch.mkdir(exist_ok=True)
        threading.Thread(target=interrupt, args=(scratch,)).start()
        with pytest.raises(drive.StoppedError, match="Ctrl-C") as stopped:
            run(trials, scratch, executor, store := Memory())
    assert stopped.value.code == 130
    assert list(scratch.glob("*.pt"))
    run(trials, scratch, Here(), store)
    for trial in trials:
        same(store.rows[trial.key], toy.told(trial))
    assert sum(toy.runs(scratch, trial, "epoch") for trial in trials) <= 10 * len(trials)


def interrupt(scratch):
    """Ctrl-C, once two trials have ended an epoch."""
    while len(list(scratch.glob("*.epoch"))) < 4:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


# Without any cluster


def test_a_job_is_sent_home_on_a_machine_that_lacks_its_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "far"))
    trial = toy.trials(1)[0]
    job = toy.Job(trial, str(tmp_path / "gone" / "scratch"), str(tmp_path / "gone" / "digest"))
    fetched = []
    parcels = {job.data: lambda: fetched.append(1) or {"a/b": b"1"}}
    for _ in range(2):
        assert node.on_node(toy.look, (job,), {}, parcels).get() == {"a/b": b"1"}
        assert (
            node.on_node(toy.work, (job,), {}, parcels).get().measures == toy.told(trial).measures
        )
    assert fetched == [1]


def test_folders_that_are_there_are_used(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x").write_bytes(b"1")
    job = toy.Job(toy.trials(1)[0], str(tmp_path), str(tmp_path / "data"))
    assert node.on_node(toy.look, (job,), {}, {}).get() == {"x": b"1"}


@pytest.mark.parametrize("made", [False, True], ids=["absent", "empty"])
def test_a_folder_without_data_is_one_sentence(tmp_path, made):
    if made:
        (tmp_path / "data").mkdir()
    with pytest.raises(PoolError, match="there is no data in"):
        node.pack(str(tmp_path / "data"))


@pytest.mark.parametrize("address", ["host:port", ":6379", "ray://", "ray://:1"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(PoolError, match="is not the address of a Ray cluster"):
        where.executor(address)


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_a_cluster_that_is_not_there_is_one_sentence(form):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = form.format(free.getsockname()[1])
    with pytest.raises(PoolError, match=r"no Ray cluster answers at 127.0.0.1:\d+: .*refused"):
        where.executor(address)


@pytest.mark.nightly
def test_a_port_that_is_not_ray_s_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(PoolError, match=r"no Ray cluster answers at .*: Timed out"):
            where.executor(f"127.0.0.1:{port}")


def test_a_cluster_that_ended_untidily_is_not_joined(tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(rays, "STANDING", tmp_path / "cluster")
    assert rays._standing() is None
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        rays.STANDING.write_text(address + "\n")
        assert rays._standing() == address
    assert rays._standing() is None
    monkeypatch.setenv("RAY_ADDRESS", "elsewhere:1")
    assert rays._standing() == "elsewhere:1"


def test_without_ray_a_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(PoolError, match=r"pip install 'anypool\[ray\]'"):
        where.executor("ray")


@pytest.mark.parametrize(("word", "hint"), [("proceses", "'processes'"), ("moon", "there are")])
def test_an_unknown_place_is_refused_with_the_nearest_name(word, hint):
    with pytest.raises(PoolError, match=f"no place '{word}' .*{hint}"):
        where.executor(word)


def test_the_names_of_places_give_their_executors():
    with where.executor("here") as here, where.executor("processes", 1) as pool:
        assert isinstance(here, Here)
        assert pool.workers == 1
