#!/bin/sh
# Records kernels on this machine's GPU: first a few hundred, to see that all are right, then thousands.
#
#   scripts/record_gpu.sh TAPEOUT FOLDER [DEVICE] [DESIGNS]
#
# TAPEOUT: the program, a release build. FOLDER: where the tables go. DEVICE: as `tapeout describe gpu-gemm-model` lists them
# [h200]. DESIGNS: of each product [300]. NVRTC and cuBLASLt must be on LD_LIBRARY_PATH (docs/guide/gpu.md).
# What was interrupted goes on when the same command is given again.
set -eu
tapeout=$1
folder=$2
device=${3:-h200}
designs=${4:-300}
mixed=f16-u8,f16-s8,bf16-u8,bf16-s8,u8-f16,s8-f16,u8-bf16,s8-bf16
types=f16-f16,bf16-bf16,$mixed
first=$folder/$device-3456x4096x2048.jsonl
second=$folder/$device-4224x4096x2048.jsonl

# 30 designs of each of ten products. A wrong result is a fault of a kernel: stop, and look at its line.
"$tapeout" measure --device "$device" --m 3456 --types "$types" --designs 30 --out "$first"
if grep '"rule":"wrong_result"' "$first"; then
    echo "wrong results: see the lines above" >&2
    exit 1
fi

"$tapeout" measure --device "$device" --m 3456 --types "$types" --designs "$designs" --out "$first"
"$tapeout" measure --device "$device" --m 4224 --types "$types" --designs "$designs" --out "$second"

# Where random draws seldom go: an agent looks for the fastest kernels of each product.
"$tapeout" measure --device "$device" --m 3456 --types "$types" --agent ga --designs "$designs" --out "$first"
"$tapeout" measure --device "$device" --m 4224 --types "$types" --agent ga --designs "$designs" --out "$second"

"$tapeout" measure --merge "$first" "$second" --out "$folder/$device.jsonl.gz"
