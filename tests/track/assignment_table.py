#!/usr/bin/python3
"""Writes assignment_table.h: what scipy's linear_sum_assignment finds on the instances of test_assignment.c.

The instances come from the same generator as there (src/base/random.c), so only sizes and answers are kept.
Usage: assignment_table.py > assignment_table.h
"""
import math

import numpy as np
from scipy.optimize import linear_sum_assignment

MASK = (1 << 64) - 1
KINDS = ('UNIFORM', 'TIED', 'GATED', 'SPARSE', 'HUGE_RANGE', 'SIGNED', 'EQUAL', 'PRODUCT')


class Random:
    def __init__(self, seed):
        self.s = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & MASK
            z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
            self.s.append(z ^ (z >> 31))

    def u64(self):
        s = self.s
        def rot(x, k):
            return ((x << k) | (x >> (64 - k))) & MASK
        result = (rot((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rot(s[3], 45)
        return result

    def unit(self):
        return (self.u64() >> 11) * 2.0 ** -53

    def below(self, n):
        threshold = (2 ** 32 - n) % n
        while True:
            x = self.u64() >> 32
            if x >= threshold:
                return x % n


def instance(kind, rows, columns, seed):
    r = Random(seed)
    c = np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            if kind == 'UNIFORM':
                c[i, j] = r.unit()
            elif kind == 'TIED':
                c[i, j] = r.below(4)
            elif kind == 'GATED':
                c[i, j] = r.unit() if r.below(4) == 0 else math.inf
            elif kind == 'SPARSE':
                c[i, j] = r.unit() if r.below(rows) == 0 else math.inf
            elif kind == 'HUGE_RANGE':
                c[i, j] = math.ldexp(r.unit(), r.below(60) - 30)
            elif kind == 'SIGNED':
                c[i, j] = r.unit() - 0.5
            elif kind == 'EQUAL':
                c[i, j] = 0.25
            else:
                c[i, j] = (i + 1) * (j + 1)
    return c


def solve(c):
    finite = np.isfinite(c)
    top = np.abs(c[finite]).max() if finite.any() else 1.0
    wall = (min(c.shape) + 1) * 2 * (top + 1)
    i, j = linear_sum_assignment(np.where(finite, c, wall))
    keep = finite[i, j]
    return int(keep.sum()), math.fsum(c[i[keep], j[keep]])


def main():
    print('/* Written by assignment_table.py with scipy. */')
    print('static const struct known known_answers[] = {')
    sizes = [(9, 9), (30, 17), (17, 30), (66, 66), (70, 120), (120, 70), (150, 150)]
    seed = 0
    for kind in KINDS:
        for rows, columns in sizes:
            seed += 1
            pairs, total = solve(instance(kind, rows, columns, seed))
            print('    {%s, %d, %d, %d, %d, %s},' % (kind, rows, columns, seed, pairs, float.hex(float(total))))
    print('};')


main()
