"""The driver and the executors of this machine, with toy trials."""

import io
import json
import math
import os
import signal
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor

import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

import toy_trials as toy
from anypool.errors import PoolError
from anypool.study import bars, cores, drive, plans, pools
from anypool.study.board import Board
from anypool.study.progress import Json, Progress, progress
from anypool.study.records import Plan
from toy_runs import Memory, run, same


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """Also where the tests were started with it ignored, as a shell's & does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def pool():
    with pools.Processes(2) as executor:
        yield executor


def plan(**more):
    settings = {"data": ("digits", "tie"), "arms": ("avg", "max"), "seeds": (0, 1)}
    return Plan(
        "s", network="small", place="head", recipe={"name": "fast", "lr": 0.1}, **(settings | more)
    )


# From a plan to its trials


def test_trials_come_seed_by_seed_with_whole_pairs_first():
    made = plans.trials(plan(), {"digits": "d", "tie": "t"}, {"anypool": "1"})
    names = [(trial.seed, trial.data, trial.arm) for trial in made]
    assert names == [
        (seed, data, arm) for seed in (0, 1) for data in ("digits", "tie") for arm in ("avg", "max")
    ]
    assert len({trial.key for trial in made}) == 8
    assert made[0].digest == "d"
    assert made[0].versions == {"anypool": "1"}


def test_what_tuning_found_replaces_the_recipe_of_its_arm_and_data_set_alone():
    made = plans.trials(plan(tuned={"tie max": {"lr": 0.3}}), {"digits": "d", "tie": "t"}, {})
    rates = {(trial.data, trial.arm): trial.recipe["lr"] for trial in made}
    assert rates.pop(("tie", "max")) == 0.3
    assert set(rates.values()) == {0.1}
    assert {trial.recipe["name"] for trial in made} == {"fast"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"arms": ()}, "has no arm"),
        ({"seeds": (1, 2, 1)}, "lists the seed 1 twice"),
        ({"data": ("digits", "mnist")}, "'mnist' was not loaded"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(change, sentence):
    with pytest.raises(PoolError, match=sentence):
        plans.trials(plan(**change), {"digits": "d", "tie": "t"}, {})


# Cores


def group(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text + "\n")


def test_the_tightest_quota_above_the_process_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(cores, "_affinity", lambda: 64)
    group(tmp_path / "a", cpu__max="400000 100000")
    group(tmp_path / "a" / "b", cpu__max="max 100000")
    member = tmp_path / "member"
    member.write_text("0::/a/b\n")
    assert cores.cores(tmp_path, member) == 4


def test_the_quota_of_the_first_version_counts_too(tmp_path, monkeypatch):
    monkeypatch.setattr(cores, "_affinity", lambda: 64)
    group(tmp_path / "cpu" / "a", cpu__cfs_quota_us="250000", cpu__cfs_period_us="100000")
    member = tmp_path / "member"
    member.write_text("4:memory:/a\n3:cpu,cpuacct:/a\n")
    assert cores.cores(tmp_path, member) == 2


@pytest.mark.parametrize("text", ["", "0::/\n", "0::/gone\n"])
def test_without_a_quota_affinity_counts(tmp_path, text, monkeypatch):
    monkeypatch.setattr(cores, "_affinity", lambda: 3)
    member = tmp_path / "member"
    member.write_text(text)
    assert cores.cores(tmp_path, member) == 3


# Worker processes


def test_workers_get_one_thread_each_and_the_environment_is_put_back(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with pools.Processes(1) as one:
        assert one.submit(toy.environment, "OMP_NUM_THREADS").result() == "1"
        assert one.submit(toy.environment, "MKL_NUM_THREADS").result() == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_a_worker_serves_many_calls_and_a_broken_one_is_replaced(pool):
    with pools.Processes(1) as one:
        first, second = (one.submit(toy.identity).result() for _ in range(2))
        with pytest.raises(pools.WorkerError, match=r"signal 9.* memory"):
            one.submit(os.kill, first, signal.SIGKILL).result()
        third = one.submit(toy.identity).result()
    assert first == second != third


def test_an_idle_worker_that_was_killed_is_replaced():
    with pools.Processes(1) as one:
        first = one.submit(toy.identity).result()
        os.kill(first, signal.SIGKILL)
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
        assert one.submit(toy.identity).result() != first


def test_a_result_that_does_not_pickle_is_an_error_of_its_trial(pool):
    with pytest.raises(RuntimeError, match="does not pickle"):
        pool.submit(toy.unpicklable, None).result()


def test_an_error_brings_the_worker_s_traceback(pool):
    with pytest.raises(ZeroDivisionError, match="zero") as caught:
        pool.submit(divmod, 1, 0).result()
    assert "Traceback" in caught.value.__notes__[0]


def test_no_worker_outlives_its_pool():
    with pools.Processes(2) as two:
        pids = {two.submit(toy.identity).result() for _ in range(4)}
    for pid in pids:
        with pytest.raises(ProcessLookupError, match="No such process"):
            os.kill(pid, 0)


def test_a_worker_that_ignores_sigterm_is_killed(monkeypatch):
    monkeypatch.setattr(pools.child, "GRACE", 0.3)
    one = pools.Processes(1)
    future = one.submit(toy.sleep_through_sigterm, 600)
    while not future.running():
        time.sleep(0.01)
    time.sleep(1)
    one.shutdown(cancel_futures=True)
    assert isinstance(future.exception(), pools.WorkerError)


def test_no_workers_at_all_are_refused():
    with pytest.raises(PoolError, match="at least 1"):
        pools.Processes(0)


def test_a_worker_that_cannot_start_stops_the_study(tmp_path, monkeypatch):
    main = tmp_path / "script.py"
    main.write_text("raise SystemExit(1)\n")
    # under xdist the main module has no file
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(main), raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    with pools.Processes(1) as one, pytest.raises(PoolError, match="__name__ == '__main__'"):
        run(toy.trials(1), tmp_path, one)


# The driver


@pytest.mark.parametrize("kind", ["here", "threads", "processes"])
def test_every_executor_gives_the_same_results(kind, tmp_path, pool):
    if kind == "threads":  # a signal handler needs a main thread
        with ThreadPoolExecutor(2) as executor:
            store, summary = run(toy.trials(), tmp_path, executor, work=plain)
    else:
        executor = pool if kind == "processes" else pools.Here()
        store, summary = run(toy.trials(), tmp_path, executor)
    assert (summary.total, summary.before, summary.done, summary.failed) == (6, 0, 6, {})
    for trial in toy.trials():
        same(store.rows[trial.key], toy.told(trial))


def plain(job):
    return toy.told(job.trial)


def test_what_is_finished_is_not_run_again(tmp_path):
    trials = toy.trials()
    first, _ = run(trials[:4], tmp_path, pools.Here())
    _, summary = run(trials, tmp_path, pools.Here(), first)
    assert (summary.before, summary.done) == (4, 2)
    assert [toy.runs(tmp_path, trial, "started") for trial in trials] == [1] * 6


def test_a_trial_listed_twice_runs_once(tmp_path):
    _, summary = run(toy.trials() * 2, tmp_path, pools.Here())
    assert (summary.total, summary.done) == (6, 6)


def test_the_lease_is_held_beaten_and_given_back(tmp_path, monkeypatch):
    monkeypatch.setattr(drive, "BEAT", 0.0)
    store, _ = run(toy.trials(), tmp_path, pools.Here(), force=True)
    assert store.log[0] == ("lease", "s", True)
    assert store.log[-1] == ("give back", "s")
    assert store.beats >= 6


def test_the_checkpoint_and_the_note_go_once_the_result_is_kept(tmp_path):
    run(toy.trials(), tmp_path, pools.Here())
    assert {file.suffix for file in tmp_path.iterdir()} == {".started", ".epoch", ".ended"}


@pytest.mark.parametrize("kind", ["raise", "die", "memory", "eat", "stubborn"])
def test_a_trial_that_crashes_is_tried_three_times_and_its_neighbour_lives(kind, tmp_path, pool):
    bad, good = toy.trials(1, mishap=kind)[0], toy.trials(1)[1]
    store, summary = run([bad, good], tmp_path, pool)
    assert store.failures(bad.key) == [(1, False), (2, False), (3, True)]
    assert toy.runs(tmp_path, bad, "started") == 3
    assert list(summary.failed) == [bad.key]
    words = {"raise": "the toy broke", "die": "signal 9", "stubborn": "this and that"}
    assert words.get(kind, "MemoryError") in summary.failed[bad.key]
    assert kind == "die" or "toy_trials.py" in summary.failed[bad.key]
    same(store.rows[good.key], toy.told(good))


@pytest.mark.parametrize("kind", ["once raise", "once die"])
def test_a_trial_that_crashes_once_is_finished_by_the_second_attempt(kind, tmp_path, pool):
    trials = toy.trials(1, mishap=kind)
    store, summary = run(trials, tmp_path, pool)
    assert (summary.done, summary.failed) == (2, {})
    for trial in trials:
        assert store.failures(trial.key) == [(1, False)]
        same(store.rows[trial.key], toy.told(trial))


def test_bad_input_is_recorded_at_once(tmp_path, pool):
    trials = toy.trials(1, mishap="bad input")
    store, summary = run(trials, tmp_path, pool)
    assert len(summary.failed) == 2
    assert store.failures(trials[0].key) == [(1, True)]


def test_a_diverged_training_is_a_result(tmp_path):
    store, summary = run(toy.trials(1, mishap="nan"), tmp_path, pools.Here())
    assert (summary.done, summary.failed) == (2, {})
    assert {row.measures["diverged"] for row in store.rows.values()} == {1.0}


def test_failed_trials_are_run_again_by_the_next_call(tmp_path):
    store, _ = run(toy.trials(1, mishap="raise"), tmp_path, pools.Here(), attempts=1)
    _, summary = run(toy.trials(1, mishap="raise"), tmp_path, pools.Here(), store, attempts=1)
    assert (summary.before, len(summary.failed)) == (0, 2)


def test_a_broken_executor_of_someone_else_s_is_one_sentence(tmp_path):
    store = Memory()
    with (
        ProcessPoolExecutor(1, mp_context=pools.multiprocessing.get_context("spawn")) as executor,
        pytest.raises(PoolError, match="the executor cannot go on"),
    ):
        run(toy.trials(1, mishap="die"), tmp_path, executor, store)
    assert store.log[-1] == ("give back", "s")


def test_a_store_that_fails_stops_the_workers(tmp_path):
    class Full(Memory):
        def finish(self, trial, result):
            raise PoolError("the disk is full")

    executor = pools.Processes(2)
    with pytest.raises(PoolError, match="the disk is full"):
        run(toy.trials(4, pause=0.05), tmp_path, executor, Full())
    with pytest.raises(RuntimeError, match="shutdown"):
        executor.submit(toy.identity)


def test_at_most_one_call_waits_beside_those_that_run(tmp_path):
    class Counting(ThreadPoolExecutor):
        workers, most = 2, 0

        def submit(self, *args):
            self.most = max(self.most, self._work_queue.qsize())
            return super().submit(*args)

    with Counting(2) as executor:
        _, summary = run(toy.trials(8), tmp_path, executor, work=slow)
    assert summary.done == 16
    assert executor.most <= 2


def slow(job):
    time.sleep(0.02)
    return plain(job)


def test_no_attempts_are_refused(tmp_path):
    with pytest.raises(PoolError, match="at least 1"):
        run(toy.trials(), tmp_path, pools.Here(), attempts=0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_between_trials_and_says_how_to_go_on(number, code, tmp_path):
    class Loud(Memory):
        def finish(self, trial, result):
            super().finish(trial, result)
            if len(self.rows) == 2:
                signal.raise_signal(number)

    before = signal.getsignal(number)
    with pytest.raises(drive.StoppedError, match=r"2 of 6 trials .* same command") as caught:
        run(toy.trials(), tmp_path, pools.Here(), store := Loud())
    assert caught.value.code == code
    assert store.log[-1] == ("give back", "s")
    assert signal.getsignal(number) == before


def test_ctrl_c_stops_a_trial_that_runs_here_with_its_checkpoint(tmp_path):
    def interrupt():
        while not list(tmp_path.glob("*.epoch")):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    trials = toy.trials(1, epochs=40, pause=0.05)
    with pytest.raises(drive.StoppedError, match=r"Ctrl-C with 0 of 2") as caught:
        run(trials, tmp_path, pools.Here(), store := Memory())
    thread.join()
    assert caught.value.code == 130
    assert (tmp_path / f"{trials[0].key}.pt").exists()
    assert store.log[-1] == ("give back", "s")


def test_a_study_runs_outside_the_main_thread(tmp_path, pool):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(run(toy.trials(), tmp_path, pool)))
    thread.start()
    thread.join()
    assert answers[0][1].done == 6


# Progress


def test_json_tells_every_event_of_every_trial(tmp_path, pool):
    stream = io.StringIO()
    trials = [*toy.trials(1), *toy.trials(1, mishap="once raise")]
    trials += toy.trials(1, mishap="bad input")
    run(trials, tmp_path, pool, progress=progress(stream, as_json=True))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    kinds = [event["event"] for event in events]
    assert (kinds[0], kinds[-1]) == ("begin", "end")
    assert kinds.count("start") == 8
    assert kinds.count("done") == 4
    assert kinds.count("retry") == kinds.count("failed") == 2
    assert events[-1]["done"] == 4


def test_numbers_that_are_not_finite_are_null_in_json():
    stream = io.StringIO()
    Json(stream).show({"event": "epoch", "loss": math.nan}, Board())
    assert json.loads(stream.getvalue()) == {"event": "epoch", "loss": None}


def test_lines_tell_trials_failures_and_the_end(tmp_path):
    stream = io.StringIO()
    trials = toy.trials(1) + toy.trials(1, mishap="raise")
    run(trials, tmp_path, pools.Here(), progress=progress(stream), attempts=2, force=True)
    text = stream.getvalue()
    assert "took over" in text
    assert "[1/4] toy, avg, seed 0" in text
    assert "tried again: RuntimeError: the toy broke" in text
    assert "failed 2 times: RuntimeError: the toy broke" in text
    assert "2 of 4 trials finished, 2 failed" in text


def test_quiet_is_quiet(tmp_path):
    stream = io.StringIO()
    run(toy.trials(1), tmp_path, pools.Here(), progress=progress(stream, quiet=True))
    assert stream.getvalue() == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


def told_of_one_epoch(shown, folder):
    """Report one trial that is in its second epoch, one that fails, and the end."""
    one, other = toy.trials(1)
    shown.begin("s", 4, 2, 2)
    shown.start(one, 1, folder / "note")
    (folder / "note").write_text('{"epoch": 1, "epochs": 3, "loss": 1.0, "accuracy": 0.5}')
    shown.tick()
    shown.failed(other, 1, "PoolError: the toy cannot be played with")
    shown.end(drive.Summary(4, 2, 0, {other.key: "..."}))


def test_bars_are_drawn_on_a_terminal_and_taken_away(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    told_of_one_epoch(progress(stream), tmp_path)
    text = stream.getvalue()
    assert "toy avg seed 0" in text
    assert "epoch 1/3" in text
    assert "50.00 %" in text
    assert "the toy cannot be played with" in text
    assert "\x1b[?25h" in text  # the cursor is shown again


def test_an_epoch_is_an_event_of_its_trial_once(tmp_path):
    stream = io.StringIO()
    shown = progress(stream, as_json=True)
    told_of_one_epoch(shown, tmp_path)
    epoch, *more = [line for line in stream.getvalue().splitlines() if '"epoch"' in line]
    numbers = {"epoch": 1, "epochs": 3, "loss": 1.0, "accuracy": 0.5}
    assert (
        json.loads(epoch).items() >= {"event": "epoch", "arm": "avg", "seed": 0, **numbers}.items()
    )
    assert more == []
    assert shown.board.look() == []


def test_names_with_brackets_are_drawn_as_they_are():
    from rich.console import Console

    console = Console(file=io.StringIO(), width=120)
    console.print(bars.picture(Board(name="[red]study")))
    assert "[red]study" in console.file.getvalue()


def test_a_closed_pipe_does_not_end_the_study(tmp_path):
    class Broken(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    _, summary = run(toy.trials(1), tmp_path, pools.Here(), progress=progress(Broken()))
    assert summary.done == 2


def test_half_written_and_foreign_notes_are_overlooked(tmp_path):
    trial = toy.trials(1)[0]
    shown = Progress()
    shown.begin("s", 1, 1, 1)
    for text in ("", "{", "[1]", "null"):
        (tmp_path / "note").write_text(text)
        shown.start(trial, 1, tmp_path / "note")
        assert shown.board.look() == []


def test_time_left_counts_what_running_trials_have_done():
    board = Board(total=4, finished=1, workers=1, took=[10.0])
    assert board.left() == 30.0
    board.add(toy.trials(1)[0], 1, None)
    next(iter(board.running.values())).note = {"epoch": 1, "epochs": 2}
    assert board.left() == 25.0


def test_a_broken_executor_error_is_one_sentence_and_a_pool_error():
    assert issubclass(pools.StartError, BrokenExecutor)
    assert issubclass(pools.StartError, PoolError)
