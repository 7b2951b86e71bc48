//! What holds for every learner: its contract, and that it learns.

mod contract;
mod learning;

/// Hyperparameters with which a network is trained for a few steps; of what is no network, the defaults.
///
/// For laws that hold however well a model has learned.
fn short_training(id: &str) -> serde_json::Value {
    match id {
        "mlp-ensemble" => serde_json::json!({ "max_steps": 200 }),
        "prime" | "prime-paper" | "coms" | "ram-listnet" => {
            serde_json::json!({ "training": { "max_steps": 200, "check_every": 50 } })
        }
        _ => serde_json::Value::Null,
    }
}
