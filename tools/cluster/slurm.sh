#!/bin/bash
# Trains a run on two nodes: sbatch tools/cluster/slurm.sh --flagfile=flags/faces.flags --workdir=runs/faces
# A task a GPU; of nodes without GPUs leave --gpus-per-task out. The same command again goes on where the last checkpoint is.
#SBATCH --job-name=causalgan
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-task=1
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append

# every task finds its place in the step's variables; one that ends with an error ends the others
exec srun --distribution=block --kill-on-bad-exit=1 causalgan-train --strategy=multi_worker "$@"
