#!/usr/bin/env python3
"""Coefficients of core/math.hpp: polynomials fitted at Chebyshev points in 60-digit arithmetic.

Run with Debian's python3-mpmath; prints hexadecimal floats, lowest power first, and the relative error reached. Each
coefficient is rounded to the target precision before the higher ones are fitted again, lowest first.
"""
from mpmath import mp, mpf, matrix, exp, log, sin, cos, atan, sinh, sqrt, pi
import struct

mp.dps = 60


def rounded(value, single):
    """Nearest binary32 or binary64, as an exact mpf."""
    x = float(value)
    return mpf(struct.unpack("f", struct.pack("f", x))[0]) if single else mpf(x)


def least_squares(target, weight, powers, low, high):
    """Minimises sum (weight (target - sum c_k x^powers_k))^2 over Chebyshev points of [low, high]."""
    n = 4 * len(powers) + 8
    points = [(low + high) / 2 - (high - low) / 2 * mp.cos(pi * (k + mpf("0.5")) / n) for k in range(n)]
    a, b = matrix(n, len(powers)), matrix(n, 1)
    for row, x in enumerate(points):
        w = weight(x)
        for col, p in enumerate(powers):
            a[row, col] = w * x**p
        b[row] = w * target(x)
    return mp.qr_solve(a, b)[0]


def fit(name, target, weight, degree, low, high, single):
    """Coefficients 0..degree of a polynomial, rounded one after the other from the lowest."""
    low, high = mpf(low), mpf(high)
    fixed = []
    for k in range(degree + 1):
        rest = lambda x, f=tuple(fixed): target(x) - sum(c * x**p for p, c in enumerate(f))
        fixed.append(rounded(least_squares(rest, weight, list(range(k, degree + 1)), low, high)[0], single))
    grid = [low + (high - low) * j / 1000 for j in range(1001)]
    final = max(abs(weight(x) * (target(x) - sum(c * x**p for p, c in enumerate(fixed)))) for x in grid)
    suffix = "f" if single else ""
    print(f"{name} {'float' if single else 'double'}: relative error 2^{mp.nstr(log(final, 2), 4)}")
    print("   ", ", ".join(float.hex(float(c)) + suffix for c in fixed))


TINY = mpf(10)**-18


def at(x):
    return x if x > TINY else TINY


def run(single):
    ln2 = log(mpf(2)) / 2 * mpf("1.0001")
    # exp(r) = 1 + r + r^2 p(r)
    safe = lambda r: r if abs(r) > mpf(10)**-12 else mpf(10)**-12
    fit("exp", lambda r: (exp(safe(r)) - 1 - safe(r)) / safe(r)**2, lambda r: r**2, 4 if single else 9, -ln2, ln2, single)
    # log(1 + f) = f - f^2/2 + s (f^2/2 + z p(z)), s = f / (2 + f), z = s^2: p(z) = (log((1+s)/(1-s)) - 2 s) / (s z)
    zmax = (3 - 2 * sqrt(mpf(2)))**2
    fit("log", lambda z: (log((1 + sqrt(at(z))) / (1 - sqrt(at(z)))) - 2 * sqrt(at(z))) / (sqrt(at(z)) * at(z)),
        lambda z: z, 2 if single else 6, TINY, zmax * mpf("1.001"), single)
    quarter = (pi / 4)**2 * mpf("1.001")
    # sin(r) = r + r z p(z), cos(r) = 1 - z/2 + z^2 q(z), z = r^2
    fit("sin", lambda z: (sin(sqrt(at(z))) / sqrt(at(z)) - 1) / at(z), lambda z: at(z), 2 if single else 5, TINY, quarter, single)
    fit("cos", lambda z: (cos(sqrt(at(z))) - 1 + at(z) / 2) / at(z)**2, lambda z: at(z)**2, 2 if single else 5, TINY, quarter, single)
    # atan(t) = t + t z p(z) on |t| <= tan(pi/8)
    eighth = (sqrt(mpf(2)) - 1)**2 * mpf("1.001")
    fit("atan", lambda z: (atan(sqrt(at(z))) / sqrt(at(z)) - 1) / at(z), lambda z: at(z), 4 if single else 10, TINY, eighth, single)
    # sinh(x) = x + x z p(z) on |x| <= 1
    fit("sinh", lambda z: (sinh(sqrt(at(z))) / sqrt(at(z)) - 1) / at(z), lambda z: at(z), 3 if single else 6, TINY, mpf("1.001"), single)


if __name__ == "__main__":
    for precision in (True, False):
        run(precision)
    for name, value, bits in (("pi/2 float", pi / 2, True), ("pi/2 double", pi / 2, False), ("pi/4 float", pi / 4, True),
                              ("pi/4 double", pi / 4, False)):
        parts, rest = [], value
        for _ in range(3):
            parts.append(rounded(rest, bits))
            rest -= parts[-1]
        print(name, [float.hex(float(p)) for p in parts])
    # ln 2 with a first part short enough that its product with any exponent is exact
    for name, keep in (("float", 15), ("double", 42)):
        high = mp.floor(log(mpf(2)) * 2**keep) / 2**keep
        print("ln2", name, float.hex(float(high)), float.hex(float(rounded(log(mpf(2)) - high, name == "float"))))
