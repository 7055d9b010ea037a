"""Prints a plan as an indexed Job for Kubernetes (1.26 or later), whose index k is the k-th step:

    python -m configs.cluster.kubernetes plan.json --image=dual-gan --claim=project --parallel=4 --gpus=1 > job.json
    kubectl create -f job.json

A plan's steps stand in an order in which each comes after those that it needs, and Kubernetes starts low indices first.
So of the pods that run, the first never waits for another, and the rest may wait for its files. A pod that is moved or
stopped is started again, and its training goes on; a step that fails several times ends the Job. The same command
makes a Job that does what is left.
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from configs.cluster.slurm import TERM, read
from configs.cluster.step import STOPPED

RETRIES = 6  # failed pods, before the Job has failed


def job(steps: list[dict], plan: str, folder: str, image: str, claim: str, parallel: int, gpus: int) -> dict:
    """The manifest. folder: the project's, at which every pod has the volume `claim`."""
    container = {"name": "step", "image": image, "workingDir": folder,
                 "command": [sys.executable, "-m", "configs.cluster.step", plan],
                 "volumeMounts": [{"name": "project", "mountPath": folder}]}
    if gpus:
        container["resources"] = {"limits": {"nvidia.com/gpu": gpus}}
    again = [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [STOPPED]}},
             {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
    pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": TERM, "containers": [container],
           "volumes": [{"name": "project", "persistentVolumeClaim": {"claimName": claim}}]}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "dual-gan-"},
            "spec": {"completionMode": "Indexed", "completions": len(steps), "parallelism": parallel,
                     "backoffLimit": RETRIES, "podFailurePolicy": {"rules": again}, "template": {"spec": pod}}}


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints a plan as an indexed Job for Kubernetes.")
    parser.add_argument("plan", help="the file that `make plan` printed")
    parser.add_argument("--image", required=True, help="container image with the environment, see Dockerfile")
    parser.add_argument("--claim", required=True, help="volume claim with the project's folder, for many pods to write")
    parser.add_argument("--parallel", type=int, default=1, help="pods at a time")
    parser.add_argument("--gpus", type=int, default=0, help="GPUs a pod")
    options = parser.parse_args()
    print(json.dumps(job(read(options.plan), options.plan, str(Path.cwd()), options.image, options.claim,
                         options.parallel, options.gpus), indent=1))


if __name__ == "__main__":
    main()
