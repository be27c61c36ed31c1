"""The measurements behind docs/performance.md; `script/bench` starts them."""
