"use strict";
// Numbers as people read them: three digits, and the prefix of the unit.

const PREFIXES = [[-18, "a"], [-15, "f"], [-12, "p"], [-9, "n"], [-6, "µ"], [-3, "m"], [0, ""], [3, "k"], [6, "M"], [9, "G"], [12, "T"], [15, "P"]];
// Units that take a prefix; others are words, whose numbers take one.
const TAKES_PREFIX = /^(s|J|W|Hz|m2|m²|m|byte|bit|B|V|A|K|op|flop)\b/i;

// Three digits, without zeros at the end.
function digits(value) {
  return String(Number(value.toPrecision(3))).replace("-", "−");
}

function exponentOf(value) {
  return value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)) + 1e-9);
}

// The prefix that suits `value`: of an area, squared.
function prefixFor(value, unit) {
  const dimension = /^m(2|²)/.test(unit) ? 2 : 1;
  const fitting = PREFIXES.filter(([power]) => power * dimension <= exponentOf(value));
  const [power, letter] = fitting.length ? fitting[fitting.length - 1] : PREFIXES[0];
  return { factor: 10 ** (power * dimension), letter };
}

function quantity(value, unit) {
  if (value === null || Number.isNaN(value)) return "–";
  const shown = unit.replace("m2", "m²");
  if (!TAKES_PREFIX.test(unit)) {
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e4)) {
      const { factor, letter } = size < 1 ? { factor: 0, letter: "" } : prefixFor(value, "");
      const number = factor ? digits(value / factor) + letter : value.toExponential(2).replace("e-", "e−");
      return `${number}${unit ? " " + shown : ""}`;
    }
    return `${digits(value)}${unit ? " " + shown : ""}`;
  }
  const { factor, letter } = prefixFor(value, unit);
  return `${digits(value / factor)} ${letter}${shown}`;
}

function count(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

// `latency_s` is called latency, and `mobilenet-v2.energy_j` keeps its network.
function label(column) {
  const name = column.unit ? column.name.replace(/_(s|j|w|m2|hz|bytes?|bits?|cycles|op_per_s|byte_per_s)$/i, "") : column.name;
  return name.replaceAll("_", " ");
}
