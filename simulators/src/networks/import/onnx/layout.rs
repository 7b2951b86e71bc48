//! Operators that move numbers about: cut, join, turn, repeat.

use super::schema::NodeProto;
use super::value::{Tensor, axis_of, broadcast, count, taken, turned};

/// What comes of an operator of this kind; none if it is of another. An output without shape is one that cannot be told.
pub(super) fn infer(node: &NodeProto, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
    let none = Tensor::default();
    let first = inputs.first().unwrap_or(&none);
    let outputs = match node.op_type.as_str() {
        "Constant" => vec![constant(node).unwrap_or_default()],
        "Shape" => vec![shape(node, first).unwrap_or_default()],
        "Size" => vec![size(first).unwrap_or_default()],
        "ConstantOfShape" => vec![constant_of_shape(node, first).unwrap_or_default()],
        "Range" => vec![range(inputs).unwrap_or_default()],
        "Gather" => vec![gather(node, inputs).unwrap_or_default()],
        "GatherElements" => vec![Tensor::maybe(inputs.get(1).and_then(|indices| indices.shape.clone()))],
        "Concat" => vec![concat(node, inputs).unwrap_or_default()],
        "Unsqueeze" => vec![unsqueeze(node, inputs).unwrap_or_default()],
        "Squeeze" => vec![squeeze(node, inputs).unwrap_or_default()],
        "Slice" => vec![slice(node, inputs).unwrap_or_default()],
        "Reshape" => vec![reshape(node, inputs).unwrap_or_default()],
        "Flatten" => vec![flatten(node, first).unwrap_or_default()],
        "Transpose" => vec![transpose(node, first).unwrap_or_default()],
        "Expand" => vec![expand(inputs).unwrap_or_default()],
        "Tile" => vec![tile(inputs).unwrap_or_default()],
        "Split" => split(node, inputs).unwrap_or_else(|| vec![Tensor::default(); node.output.len()]),
        "Pad" => vec![Tensor::maybe(pad(node, inputs))],
        "DepthToSpace" | "SpaceToDepth" => vec![Tensor::maybe(depth(node, first))],
        "TopK" => vec![Tensor::maybe(top(node, inputs)); 2],
        name if name.starts_with("Reduce") || name.starts_with("Arg") => {
            vec![Tensor::maybe(reduce(node, inputs))]
        }
        _ => return None,
    };
    Some(outputs)
}

fn constant(node: &NodeProto) -> Option<Tensor> {
    if let Some(tensor) = node.tensor("value") {
        return Some(Tensor::parameter(node.output.first()?, tensor));
    }
    if let Some(number) = node.float("value_float") {
        return Some(Tensor {
            shape: Some(Vec::new()),
            numbers: Some(vec![number]),
            is_real: true,
            origin: None,
        });
    }
    if let Some(number) = node.int("value_int") {
        return Some(Tensor {
            shape: Some(Vec::new()),
            numbers: Some(vec![number as f64]),
            ..Tensor::default()
        });
    }
    if let Some(numbers) = node.ints("value_ints") {
        return Some(Tensor::list(numbers.iter().map(|&number| number as f64).collect()));
    }
    node.floats("value_floats").map(|numbers| Tensor { is_real: true, ..Tensor::list(numbers) })
}

fn shape(node: &NodeProto, input: &Tensor) -> Option<Tensor> {
    let shape = input.shape.as_ref()?;
    let bound = |name: &str, default: usize| match node.int(name) {
        Some(place) if place < 0 => (place + shape.len() as i64).max(0) as usize,
        Some(place) => (place as usize).min(shape.len()),
        None => default,
    };
    let (start, end) = (bound("start", 0), bound("end", shape.len()));
    Some(Tensor::list(shape.get(start..end)?.iter().map(|&size| size as f64).collect()))
}

fn size(input: &Tensor) -> Option<Tensor> {
    let count = count(input.shape.as_ref()?);
    Some(Tensor { shape: Some(Vec::new()), numbers: Some(vec![count as f64]), ..Tensor::default() })
}

/// The sizes that a list of numbers says.
fn sizes(tensor: &Tensor) -> Option<Vec<u64>> {
    tensor.ints()?.into_iter().map(|size| u64::try_from(size).ok()).collect()
}

fn constant_of_shape(node: &NodeProto, input: &Tensor) -> Option<Tensor> {
    let shape = sizes(input)?;
    let count = count(&shape);
    let value = node.tensor("value").and_then(|tensor| tensor.numbers()?.first().copied()).unwrap_or(0.0);
    let is_real = node.tensor("value").is_none_or(|tensor| tensor.is_real());
    // As few as shapes are.
    let numbers = (count <= 64).then(|| vec![value; count as usize]);
    Some(Tensor { shape: Some(shape), numbers, is_real, origin: None })
}

fn range(inputs: &[Tensor]) -> Option<Tensor> {
    let [start, limit, delta] = inputs else { return None };
    let (start, limit, delta) = (start.number()?, limit.number()?, delta.number()?);
    let count = Some((limit - start) / delta).filter(|count| count.is_finite())?.ceil().max(0.0) as u64;
    let numbers = (count <= 1024).then(|| (0..count).map(|index| start + index as f64 * delta).collect());
    Some(Tensor { shape: Some(vec![count]), numbers, ..Tensor::default() })
}

fn gather(node: &NodeProto, inputs: &[Tensor]) -> Option<Tensor> {
    let [data, indices, ..] = inputs else { return None };
    let shape = data.shape.as_ref()?;
    let axis = axis_of(node.int("axis").unwrap_or(0), shape.len())?;
    let chosen = indices.shape.as_ref()?;
    let shape = [&shape[..axis], chosen, &shape[axis + 1..]].concat();
    let size = data.shape.as_ref()?[axis] as usize;
    let places =
        indices.ints().and_then(|indices| indices.iter().map(|&index| axis_of(index, size)).collect());
    let numbers = data.numbers.as_ref().zip(places);
    let numbers = numbers.map(|(numbers, places): (_, Vec<usize>)| {
        taken(numbers, data.shape.as_deref().unwrap_or(&[]), axis, &places)
    });
    Some(Tensor { shape: Some(shape), numbers, is_real: data.is_real, origin: None })
}

fn concat(node: &NodeProto, inputs: &[Tensor]) -> Option<Tensor> {
    let mut shape = inputs.first()?.shape.clone()?;
    let axis = axis_of(node.int("axis")?, shape.len())?;
    let sizes = inputs.iter().map(|input| input.shape.as_ref()?.get(axis).copied());
    let sizes: Vec<u64> = sizes.collect::<Option<_>>()?;
    shape[axis] = sizes.iter().try_fold(0u64, |sum, &size| sum.checked_add(size))?;
    let numbers: Option<Vec<&Vec<f64>>> = inputs.iter().map(|input| input.numbers.as_ref()).collect();
    let numbers =
        numbers.filter(|_| shape.len() == 1).map(|lists| lists.into_iter().flatten().copied().collect());
    let is_real = inputs.iter().any(|input| input.is_real);
    Some(Tensor { shape: Some(shape), numbers, is_real, origin: None })
}

/// The axes that an operator is about: an input since opset 13, an attribute before.
fn axes(node: &NodeProto, inputs: &[Tensor]) -> Option<Vec<i64>> {
    node.ints("axes").map(<[i64]>::to_vec).or_else(|| inputs.get(1)?.ints())
}

fn unsqueeze(node: &NodeProto, inputs: &[Tensor]) -> Option<Tensor> {
    let data = inputs.first()?;
    let axes = axes(node, inputs)?;
    let rank = data.rank()? + axes.len();
    let mut places: Vec<usize> = axes.iter().map(|&axis| axis_of(axis, rank)).collect::<Option<_>>()?;
    places.sort_unstable();
    places.dedup();
    if places.len() < axes.len() {
        return None;
    }
    let mut shape = data.shape.clone()?;
    for place in places {
        shape.insert(place, 1);
    }
    Some(Tensor { shape: Some(shape), ..data.clone() })
}

fn squeeze(node: &NodeProto, inputs: &[Tensor]) -> Option<Tensor> {
    let data = inputs.first()?;
    let shape = data.shape.as_ref()?;
    let places: Vec<usize> = match axes(node, inputs) {
        Some(axes) => axes.iter().map(|&axis| axis_of(axis, shape.len())).collect::<Option<_>>()?,
        None => (0..shape.len()).filter(|&axis| shape[axis] == 1).collect(),
    };
    let kept = shape.iter().enumerate().filter(|(axis, _)| !places.contains(axis)).map(|(_, &size)| size);
    Some(Tensor { shape: Some(kept.collect()), ..data.clone() })
}

fn slice(node: &NodeProto, inputs: &[Tensor]) -> Option<Tensor> {
    let data = inputs.first()?;
    let mut shape = data.shape.clone()?;
    let list = |index: usize, name: &str| {
        node.ints(name).map(<[i64]>::to_vec).or_else(|| inputs.get(index).and_then(Tensor::ints))
    };
    let (starts, ends) = (list(1, "starts")?, list(2, "ends")?);
    let axes = list(3, "axes").unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list(4, "steps").unwrap_or_else(|| vec![1; starts.len()]);
    if steps.contains(&0) {
        return None;
    }
    let mut numbers = data.numbers.clone();
    for (index, &axis) in axes.iter().enumerate() {
        let axis = axis_of(axis, shape.len())?;
        let (size, step) = (i64::try_from(shape[axis]).ok()?, *steps.get(index)?);
        let place = |place: i64| if place < 0 { place.saturating_add(size) } else { place };
        let (start, end) = (place(*starts.get(index)?), place(*ends.get(index)?));
        let (least, most) = if step > 0 { (0, size) } else { (-1, size - 1) };
        let (start, end) = (start.clamp(least, most), end.clamp(least, most));
        let span = if step > 0 { end - start } else { start - end };
        let chosen = span.max(0).unsigned_abs().checked_add(step.unsigned_abs() - 1)? / step.unsigned_abs();
        // The axis may have any size where there are no numbers.
        numbers = numbers.map(|numbers| {
            if numbers.is_empty() {
                return numbers;
            }
            let places: Vec<usize> =
                (0..chosen as i64).map(|index| (start + index * step) as usize).collect();
            taken(&numbers, &shape, axis, &places)
        });
        shape[axis] = chosen;
    }
    Some(Tensor { shape: Some(shape), numbers, is_real: data.is_real, origin: None })
}

fn reshape(node: &NodeProto, inputs: &[Tensor]) -> Option<Tensor> {
    let data = inputs.first()?;
    let shape = data.shape.as_ref()?;
    let wanted = node.ints("shape").map(<[i64]>::to_vec).or_else(|| inputs.get(1)?.ints())?;
    let allows_zero = node.int("allowzero") == Some(1);
    let mut sizes: Vec<u64> = Vec::with_capacity(wanted.len());
    for (axis, &size) in wanted.iter().enumerate() {
        sizes.push(match size {
            0 if !allows_zero => *shape.get(axis)?,
            -1 => 1, // filled in below
            size => u64::try_from(size).ok()?,
        });
    }
    if let Some(free) = wanted.iter().position(|&size| size == -1) {
        let (all, others) = (count(shape), count(&sizes));
        sizes[free] = all.checked_div(others).filter(|size| size.saturating_mul(others) == all)?;
    }
    Some(Tensor { shape: Some(sizes), ..data.clone() })
}

fn flatten(node: &NodeProto, data: &Tensor) -> Option<Tensor> {
    let shape = data.shape.as_ref()?;
    let axis = match node.int("axis").unwrap_or(1) {
        axis if axis < 0 => usize::try_from(axis + shape.len() as i64).ok()?,
        axis => (axis as usize).min(shape.len()),
    };
    Some(Tensor { shape: Some(vec![count(&shape[..axis]), count(&shape[axis..])]), ..data.clone() })
}

fn transpose(node: &NodeProto, data: &Tensor) -> Option<Tensor> {
    let shape = data.shape.as_ref()?;
    let order: Vec<i64> =
        node.ints("perm").map_or_else(|| (0..shape.len() as i64).rev().collect(), <[i64]>::to_vec);
    let order = order.iter().map(|&axis| axis_of(axis, shape.len())).collect::<Option<Vec<usize>>>()?;
    if order.len() != shape.len() || !(0..shape.len()).all(|axis| order.contains(&axis)) {
        return None;
    }
    let numbers = data.numbers.as_ref().map(|numbers| turned(numbers, shape, &order));
    let shape = order.iter().map(|&axis| shape[axis]).collect();
    Some(Tensor { shape: Some(shape), numbers, ..data.clone() })
}

fn expand(inputs: &[Tensor]) -> Option<Tensor> {
    let [data, wanted, ..] = inputs else { return None };
    let shape = broadcast(&[data.shape.as_ref()?, &sizes(wanted)?])?;
    let count = count(&shape);
    let numbers = data.number().filter(|_| count <= 64).map(|number| vec![number; count as usize]);
    Some(Tensor { shape: Some(shape), numbers, is_real: data.is_real, origin: None })
}

fn tile(inputs: &[Tensor]) -> Option<Tensor> {
    let [data, repeats, ..] = inputs else { return None };
    let repeats = sizes(repeats)?;
    let shape = data.shape.as_ref()?.iter().zip(repeats).map(|(size, repeat)| size.saturating_mul(repeat));
    Some(Tensor::of(shape.collect()))
}

fn split(node: &NodeProto, inputs: &[Tensor]) -> Option<Vec<Tensor>> {
    let data = inputs.first()?;
    let shape = data.shape.as_ref()?;
    let axis = axis_of(node.int("axis").unwrap_or(0), shape.len())?;
    let given = node.ints("split").map(<[i64]>::to_vec).or_else(|| inputs.get(1)?.ints());
    let parts: Vec<u64> = match given {
        Some(parts) => parts.into_iter().map(|part| u64::try_from(part).ok()).collect::<Option<_>>()?,
        None => {
            // Source: ONNX, Split-18: equal parts, the last smaller.
            let (count, size) = (node.output.len() as u64, shape[axis]);
            if count == 0 {
                return None;
            }
            let part = size.div_ceil(count);
            (0..count).map(|index| part.min(size.saturating_sub(index.saturating_mul(part)))).collect()
        }
    };
    let mut start = 0usize;
    let cut = parts.iter().map(|&part| {
        let mut shape = shape.clone();
        shape[axis] = part;
        let numbers = data.numbers.as_ref().filter(|_| shape.len() == 1);
        let end = start.saturating_add(part as usize);
        let numbers = numbers.and_then(|numbers| numbers.get(start..end).map(<[f64]>::to_vec));
        start = end;
        Tensor { shape: Some(shape), numbers, is_real: data.is_real, origin: None }
    });
    Some(cut.collect())
}

fn pad(node: &NodeProto, inputs: &[Tensor]) -> Option<Vec<u64>> {
    let shape = inputs.first()?.shape.as_ref()?;
    let pads = node.ints("pads").map(<[i64]>::to_vec).or_else(|| inputs.get(1)?.ints())?;
    let axes = inputs.get(3).and_then(Tensor::ints).unwrap_or_else(|| (0..shape.len() as i64).collect());
    let mut padded = shape.clone();
    for (index, &axis) in axes.iter().enumerate() {
        let axis = axis_of(axis, shape.len())?;
        let both = pads.get(index)?.checked_add(*pads.get(index + axes.len())?)?;
        padded[axis] = padded[axis].checked_add_signed(both)?;
    }
    Some(padded)
}

fn depth(node: &NodeProto, data: &Tensor) -> Option<Vec<u64>> {
    let [n, c, h, w] = *data.shape.as_ref()?.as_slice() else { return None };
    let block = u64::try_from(node.int("blocksize")?).ok().filter(|block| *block > 0)?;
    let points = block.checked_mul(block)?;
    Some(if node.op_type == "DepthToSpace" {
        vec![n, c / points, h.checked_mul(block)?, w.checked_mul(block)?]
    } else {
        vec![n, c.checked_mul(points)?, h / block, w / block]
    })
}

fn top(node: &NodeProto, inputs: &[Tensor]) -> Option<Vec<u64>> {
    let mut shape = inputs.first()?.shape.clone()?;
    let axis = axis_of(node.int("axis").unwrap_or(-1), shape.len())?;
    shape[axis] = inputs.get(1)?.number()? as u64;
    Some(shape)
}

fn reduce(node: &NodeProto, inputs: &[Tensor]) -> Option<Vec<u64>> {
    let shape = inputs.first()?.shape.as_ref()?;
    let axes = if node.op_type.starts_with("Arg") {
        Some(vec![node.int("axis").unwrap_or(0)])
    } else {
        axes(node, inputs)
    };
    let axes: Vec<usize> = match axes {
        Some(axes) if !axes.is_empty() => {
            axes.iter().map(|&axis| axis_of(axis, shape.len())).collect::<Option<_>>()?
        }
        _ => (0..shape.len()).collect(),
    };
    let keeps = node.int("keepdims").unwrap_or(1) == 1;
    let sizes = shape.iter().enumerate().filter_map(|(axis, &size)| match axes.contains(&axis) {
        true if keeps => Some(1),
        true => None,
        false => Some(size),
    });
    Some(sizes.collect())
}
