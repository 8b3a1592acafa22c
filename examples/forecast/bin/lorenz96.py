"""The Lorenz-96 model: a scalar around a latitude circle, advected, damped and forced.

dx_i/dt = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F, with time in units of five days (Lorenz 1996,
"Predictability: a problem partly solved"). F = 8 is chaotic: small errors double in about two days.
"""

from __future__ import annotations

GRID_POINTS = 40
FORCING = 8.0
STEP_HOURS = 6
_STEP = 0.05  # six hours


def tendency(state: list[float]) -> list[float]:
    """Give the time derivative at every grid point."""
    size = len(state)
    return [(state[(i + 1) % size] - state[i - 2]) * state[i - 1] - state[i] + FORCING for i in range(size)]


def advance(state: list[float]) -> list[float]:
    """Integrate six hours with one fourth-order Runge-Kutta step."""
    first = tendency(state)
    second = tendency([x + 0.5 * _STEP * k for x, k in zip(state, first, strict=True)])
    third = tendency([x + 0.5 * _STEP * k for x, k in zip(state, second, strict=True)])
    fourth = tendency([x + _STEP * k for x, k in zip(state, third, strict=True)])
    return [
        x + _STEP / 6.0 * (a + 2.0 * b + 2.0 * c + d)
        for x, a, b, c, d in zip(state, first, second, third, fourth, strict=True)
    ]


def trajectory(state: list[float], steps: int) -> list[list[float]]:
    """Give the state now and after each of `steps` six-hour steps."""
    states = [state]
    for _ in range(steps):
        states.append(advance(states[-1]))
    return states
