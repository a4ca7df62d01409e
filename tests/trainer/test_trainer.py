"""The trainer process: its answers, and that no model outlives it or confuses it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import psutil
import pytest

from tests.data_homes import PROJECT
from tests.stack import until
from tests.trainers import TIMEOUT_S, answer, answers, gone, job, train
from workers.datasets import store
from workers.engines.run import Run
from workers.processes.trainer_process import TrainerGone, TrainerProcess

pytestmark = pytest.mark.trains

KNN = {"family": "knn", "n_neighbors": 3}
FOREST = {"family": "forest", "n_estimators": 20}
CNN = {
    "family": "cnn",
    "layers": [
        {"kind": "Input", "shape": [8, 8, 1]},
        {"kind": "Conv2D", "filters": 8, "kernel_size": 3, "activation": "relu"},
        {"kind": "Flatten"},
        {"kind": "Dense", "units": 10, "activation": "softmax"},
    ],
    "epochs": 3,
}


@pytest.fixture
def digits(digits_home, monkeypatch):
    monkeypatch.setenv("QUEST_DATA_HOME", str(digits_home))
    return store.load("digits")


def test_nearest_neighbours_score_what_scikit_learn_scores(trainer, digits):
    from sklearn.neighbors import KNeighborsClassifier

    result = train(trainer, KNN)

    estimator = KNeighborsClassifier(3).fit(digits.train_images.reshape(-1, 64) * 1.0, digits.train_labels)
    predicted = estimator.predict(digits.test_images.reshape(-1, 64) * 1.0)
    wrong = np.flatnonzero(predicted != digits.test_labels)
    assert result["public"] == {"correct": 360 - len(wrong), "total": 360}
    assert result["errors"] == [[int(index), int(predicted[index])] for index in wrong]
    assert result["engine_version"].startswith("scikit-learn 1.")


def test_a_forest_without_a_seed_takes_the_runs_and_repeats_with_it(trainer):
    first, again = train(trainer, FOREST, seed=5), train(trainer, FOREST, seed=5)

    assert first["seed"] == 5
    assert first["errors"] == again["errors"]
    assert train(trainer, {**FOREST, "random_state": 9}, seed=5)["seed"] == 9


def test_a_network_reports_its_epochs_and_its_first_step(trainer):
    trainer.send(asked := job(CNN))
    messages = answers(trainer, asked)

    assert messages[-1]["event"] == "done"
    result = messages[-1]["result"]
    epochs = [message["epoch"] for message in messages if message["event"] == "progress" and "loss" in message]
    assert epochs == [1, 2, 3]
    assert [set(epoch) for epoch in result["epochs"]] == [{"seconds", "loss", "accuracy"}] * 3
    assert result["public"]["correct"] > 180
    assert result["parameters"] == 80 + 2_890
    assert 0 < (result["timing"]["first_step_s"] or 0) < result["timing"]["train_s"]
    assert set(result["versions"]) == {"python", "numpy", "keras", "tensorflow"}


def test_a_network_repeats_with_its_seed(trainer):
    assert (
        train(trainer, {**CNN, "seed": 4, "epochs": 1})["errors"]
        == train(trainer, {**CNN, "seed": 4, "epochs": 1})["errors"]
    )


def test_early_stopping_ends_a_network_before_its_last_epoch(trainer):
    stopping = {"monitor": "val_loss", "patience": 0, "min_delta": 100.0}

    result = train(trainer, {**CNN, "validation_split": 0.2, "early_stopping": stopping})

    assert len(result["epochs"]) == 2
    assert "val_loss" in result["epochs"][0]


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mean_squared_error"])
def test_losses_on_one_hot_labels_train_too(trainer, loss):
    result = train(trainer, {**CNN, "epochs": 5, "loss": {"name": loss}})

    assert result["public"]["correct"] > 180


def test_lenets_rbf_output_learns(trainer):
    layers = [{"kind": "Input", "shape": [64]}, {"kind": "Dense", "units": 84, "activation": "tanh"}, {"kind": "RBF"}]

    result = train(trainer, {"family": "cnn", "layers": layers, "epochs": 5})

    assert result["public"]["correct"] > 250
    assert result["parameters"] == 64 * 84 + 84 + 840


def test_the_times_of_a_run_add_up(trainer):
    train(trainer, KNN)
    timing = train(trainer, KNN)["timing"]

    assert timing["first_step_s"] is None
    parts = sum(timing[part] for part in ("startup_s", "data_load_s", "train_s", "predict_s"))
    assert parts <= timing["total_s"] < parts + 1


def test_a_result_has_the_runs_usage_and_the_hosts_load(trainer):
    result = train(trainer, KNN)

    assert result["threads_asked"] == 2
    assert result["threads_used"] >= 1
    assert result["peak_memory_bytes"] > 50 << 20
    assert result["other_runs"] == 0
    assert isinstance(result["contended"], bool)
    assert result["data_checksum"] == store.checksum("digits")
    assert result["energy"]["method"] in ("none", "rapl")
    assert (result["energy"]["joules"] is None) == (result["energy"]["method"] == "none")


def test_another_run_on_the_host_marks_both_as_contended(trainer, start_trainer):
    other = start_trainer()
    other.send(job({"family": "odd", "does": "sleep"}))
    while (other.receive(5) or {}).get("event") != "started":
        pass

    result = train(trainer, KNN)

    assert (result["other_runs"], result["contended"]) == (1, True)


def test_the_private_part_is_scored_apart(trainer):
    whole, split = train(trainer, KNN), train(trainer, KNN, private_share=0.25, split_seed=3)

    assert (split["public"]["total"], split["private"]["total"]) == (270, 90)
    assert split["public"]["correct"] + split["private"]["correct"] == whole["public"]["correct"]
    assert whole["private"] == {"correct": 0, "total": 0}
    assert split["errors"] == whole["errors"]


def test_the_output_of_libraries_is_not_taken_for_an_event(trainer):
    trainer.send(asked := job({"family": "odd", "does": "print"}))

    assert [message["event"] for message in answers(trainer, asked)] == ["started", "done"]
    assert "forged by a C library" in trainer.output_tail


def test_the_last_64_kb_of_the_output_are_kept(trainer):
    train(trainer, {"family": "odd", "does": "print", "seconds": 50_000})

    assert len(trainer.output_tail) == 64 * 1024
    assert trainer.output_tail.endswith("no end of line")


def test_a_python_error_is_reported_and_the_trainer_goes_on(trainer):
    failed = answer(trainer, job({"family": "odd", "does": "fail"}, attempt=4711))

    assert (failed["event"], failed["kind"], failed["attempt"]) == ("failed", "error", 4711)
    assert failed["message"] == "ValueError: the model does not like these images"
    assert "odd_families.py" in failed["traceback"]
    assert train(trainer, KNN)["public"]["total"] == 360


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"spec": {"family": "knn", "n_neighbors": 0}}, "n_neighbors"),
        ({"engine": "steam"}, "Unknown engine 'steam': use one of accelerated"),
        ({"dataset": "cifar"}, "cifar"),
        ({"device": "gpu"}, "computes on cpu, not on gpu"),
        ({"spec": {"family": "odd", "does": "stray"}}, "answers of shape"),
    ],
)
def test_a_job_that_cannot_be_done_is_answered_with_the_reason(trainer, wrong, said):
    failed = answer(trainer, {**job(KNN), **wrong})

    assert failed["event"] == "failed"
    assert said in failed["message"]


def test_a_lack_of_memory_is_distinguished_from_other_errors(trainer):
    assert answer(trainer, job({"family": "odd", "does": "starve"}))["kind"] == "memory"


def test_every_test_image_may_be_wrong(trainer, digits):
    result = train(trainer, {"family": "odd", "does": "err"})

    assert result["public"] == {"correct": 0, "total": 360}
    assert len(result["errors"]) == 360


def test_a_crash_is_reported_with_its_exit_code_each_time(start_trainer):
    crashing = start_trainer()

    assert answer(crashing, job({"family": "odd", "does": "crash"})) == {"event": "exited", "code": 3}
    assert crashing.receive(timeout=1) == {"event": "exited", "code": 3}
    with pytest.raises(TrainerGone, match="exit code 3"):
        crashing.send(job(KNN))


def test_killing_ends_the_trainer_and_what_it_started(start_trainer):
    busy = start_trainer()
    busy.send(job({"family": "odd", "does": "spawn"}))
    while "child" not in (message := busy.receive(5) or {}):
        pass

    busy.kill()

    assert not busy.alive()
    assert busy.exit_code == -signal.SIGKILL
    assert gone(message["child"])


def test_memory_is_seen_while_it_grows(start_trainer):
    hungry = start_trainer()
    hungry.send(job({"family": "odd", "does": "eat"}))
    while (hungry.receive(5) or {}).get("event") != "started":
        pass
    before = hungry.memory_bytes()

    until(lambda: hungry.memory_bytes() > before + (100 << 20), seconds=60, what="100 MB more")
    hungry.kill()
    assert hungry.memory_bytes() == 0


def test_a_killed_trainer_can_be_started_again(start_trainer):
    trainer = start_trainer()
    trainer.send(job(KNN))
    trainer.kill()
    trainer.start(threads=1)

    assert trainer.alive()
    assert trainer.runs == 0
    assert trainer.receive(timeout=10)["event"] == "ready"


ORPHANING = """
import os, signal, sys, time
from workers.processes.trainer_process import TrainerProcess
trainer = TrainerProcess()
trainer.start(threads=1)
trainer.send({"do": "train", "attempt": 1, "spec": {"family": "odd", "does": "sleep"}, "engine": "stock",
              "dataset": "digits", "seed": 1, "device": "cpu", "private_share": 0.0, "split_seed": 1})
while (trainer.receive(10) or {}).get("event") != "started":
    pass
print(trainer.pid, flush=True)
time.sleep(60)
"""


def test_a_trainer_dies_with_the_process_that_started_it(trainer_environment):
    env = {**os.environ, **trainer_environment}
    parent = subprocess.Popen([sys.executable, "-c", ORPHANING], cwd=PROJECT, env=env, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)

    parent.kill()
    parent.wait()

    assert gone(pid, within=2)


def test_a_trainer_with_another_parent_than_expected_exits():
    command = [sys.executable, "-m", "workers.trainer", "--parent", "1"]

    assert subprocess.run(command, cwd=PROJECT, stdin=subprocess.DEVNULL, timeout=20, check=False).returncode == 1


def test_a_trainer_exits_at_the_end_of_its_input():
    command = [sys.executable, "-m", "workers.trainer", "--parent", str(os.getpid())]

    assert subprocess.run(command, cwd=PROJECT, stdin=subprocess.DEVNULL, timeout=20, check=False).returncode == 0


def test_warming_imports_libraries_before_a_job_asks_for_them(start_trainer):
    warm = start_trainer(warm=["knn", "forest"], dataset="digits")
    messages = [warm.receive(timeout=TIMEOUT_S), warm.receive(timeout=TIMEOUT_S)]

    assert [message["event"] for message in messages] == ["ready", "warmed"]
    assert messages[0]["pid"] == warm.pid
    cold = start_trainer()
    assert train(warm, KNN)["timing"]["startup_s"] < train(cold, KNN)["timing"]["startup_s"] / 2


NOISY = """
import time
for part in ('noise\\n[1]\\n{"event":', ' "star', 'ted"}\\n{"event": "done"}\\n'):
    print(part, end="", flush=True)
    time.sleep(0.05)
time.sleep(60)
"""


def test_events_that_come_in_parts_and_between_noise_are_read():
    trainer = TrainerProcess()
    trainer.launch([sys.executable, "-c", NOISY])

    assert [trainer.receive(20), trainer.receive(20), trainer.receive(0.1)] == [
        {"event": "started"},
        {"event": "done"},
        None,
    ]
    trainer.kill()


def test_no_run_takes_more_threads_than_the_worker_grants(digits):
    run = Run(seed=1, threads=2, dataset=digits)

    assert [run.threads_for(n_jobs) for n_jobs in (None, 1, 64, -1)] == [None, 1, 2, 2]


def test_a_run_for_a_gpu_fails_where_tensorflow_sees_none(start_trainer):
    trainer = start_trainer(device="gpu")
    failed = answer(trainer, job(CNN, device="gpu"))

    assert (failed["event"], failed["kind"]) == ("failed", "platform")
    assert "TensorFlow sees none" in failed["message"]
