//! What one answer of the tile model costs: kernels of the raw space, one after another on one core.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tapeout_simulators::gpu_gemm::{Gemm, Model, Operands, Swizzle, Tile, device, static_fault};

/// Kernels of every block, warp tile, depth and number of stages that is legal, 16 copied bytes to a thread.
fn kernels(model: &Model, gemm: &Gemm) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for block_m in [32, 64, 96, 128, 192, 256] {
        for block_n in [16, 32, 64, 96, 128, 192, 256] {
            for block_k in [16, 32, 64, 128] {
                for warp_m in [16, 32, 48, 64, 96, 128] {
                    for warp_n in [8, 16, 24, 32, 48, 64, 96, 128] {
                        for (_, swizzle) in Swizzle::ALL {
                            for stages in [2, 3, 4, 5, 6, 8] {
                                let block = Tile { block_m, block_n, block_k, ..Tile::default() };
                                tiles.push(Tile { warp_m, warp_n, stages, swizzle, ..block });
                            }
                        }
                    }
                }
            }
        }
    }
    tiles.retain(|tile| static_fault(tile, gemm, model.device()).is_none());
    tiles
}

fn estimates(criterion: &mut Criterion) {
    let model = Model::new(device("a100").expect("a built-in device"));
    let gemm = Gemm::new(3456, 4096, 2048, Operands::F16_U8);
    let tiles = kernels(&model, &gemm);
    let mut group = criterion.benchmark_group("gpu_gemm");
    group.throughput(Throughput::Elements(tiles.len() as u64));
    group.bench_function("estimate", |bencher| {
        bencher.iter(|| {
            let times = tiles.iter().filter_map(|tile| model.estimate(black_box(&gemm), tile).ok());
            times.map(|estimate| estimate.time_s).fold(f64::INFINITY, f64::min)
        });
    });
    group.finish();
}

criterion_group!(benches, estimates);
criterion_main!(benches);
