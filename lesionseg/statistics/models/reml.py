"""Restricted maximum likelihood for repeated measures, with a covariance that is linear in its parameters.

The data enter by the sums of `Pattern` alone, so a step costs the same for 10 and for 10,000 subjects.

Source: Jennrich RI, Schluchter MD. Unbalanced repeated-measures models with structured covariance matrices.
Biometrics 1986;42:805-820.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lesionseg.statistics.models.model_table import Matrix
from lesionseg.statistics.models.repeated_measures_table import RepeatedDesign

MAX_STEPS = 200
MAX_HALVINGS = 30
ROUNDING = 1e-12  # of the log likelihood; a step that promises less than this is the last
NEARLY_SINGULAR = 1e-6  # smallest eigenvalue of the correlations between visits


@dataclass(frozen=True)
class RemlPoint:
    """The likelihood and its derivatives at one set of covariance parameters.

    Attributes
    ----------
    log_likelihood : float
        Restricted, as nlme defines it (without the term of the design alone).
    covariance : float64 array, shape (visits, visits)
    coefficients : float64 array, shape (p,)
    variance : float64 array, shape (p, p)
        Of the coefficients, with the covariance taken as known.
    first : float64 array, shape (m, p, p)
        X' W E_r W X summed over subjects, W the inverse covariance, E_r its derivative by parameter r.
    second : float64 array, shape (m, m, p, p)
        X' W E_r W E_s W X.
    score : float64 array, shape (m,)
    observed, expected : float64 array, shape (m, m)
        Information about the covariance parameters.
    """

    log_likelihood: float
    covariance: Matrix
    coefficients: Matrix
    variance: Matrix
    first: Matrix
    second: Matrix
    score: Matrix
    observed: Matrix
    expected: Matrix


def unstructured(visits: int) -> Matrix:
    """Return the derivatives, shape (m, visits, visits), of a covariance with all its elements free."""
    rows, columns = np.tril_indices(visits)
    basis = np.zeros((len(rows), visits, visits))
    each = np.arange(len(rows))
    basis[each, rows, columns] = basis[each, columns, rows] = 1.0
    return basis


def compound_symmetry(visits: int) -> Matrix:
    """Return the derivatives of a covariance with one variance and one covariance; a random intercept's."""
    one = np.eye(visits)
    return np.stack([one, 1.0 - one]) if visits > 1 else one[None]


def fit_reml(design: RepeatedDesign, basis: Matrix) -> RemlPoint | None:
    """Return the maximum, or None where there is none: too few subjects, visits never seen together.

    Newton's steps with the observed information where it is positive definite, else Fisher scoring; a step
    that loses likelihood, or leaves the positive definite covariances, is halved.
    """
    weights = np.einsum("rjj,j->r", basis, design.variances) / np.einsum("rjj->r", basis).clip(min=1)
    point = _evaluate(design, basis, weights)
    for _ in range(MAX_STEPS):
        if point is None:
            return None
        step = _direction(point)
        if step is None:
            return None
        done = float(point.score @ step) < ROUNDING * (1 + abs(point.log_likelihood))
        weights, following = _advance(design, basis, (weights, point), step)
        if done:
            return None if _nearly_singular(point.covariance) else (following or point)
        point = following
    return None


def _direction(point: RemlPoint) -> Matrix | None:
    for information in (point.observed, point.expected):
        try:
            np.linalg.cholesky(information)
            return np.asarray(np.linalg.solve(information, point.score), dtype=np.float64)
        except np.linalg.LinAlgError:
            continue
    return None


def _advance(
    design: RepeatedDesign, basis: Matrix, start: tuple[Matrix, RemlPoint], step: Matrix
) -> tuple[Matrix, RemlPoint | None]:
    weights, point = start
    worst = point.log_likelihood - ROUNDING * (1 + abs(point.log_likelihood))
    for halving in range(MAX_HALVINGS):
        moved = weights + step / 2**halving
        following = _evaluate(design, basis, moved)
        if following is not None and following.log_likelihood >= worst:
            return moved, following
    return weights, None


def _nearly_singular(covariance: Matrix) -> bool:
    deviations = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(deviations, deviations)
    return bool(np.linalg.eigvalsh(correlation)[0] < NEARLY_SINGULAR)


@dataclass(frozen=True)
class _Sums:
    """Sums over subjects at one covariance; the last row and column of the products belong to the values."""

    log_determinant: float
    plain: Matrix  # Z' W Z
    first: Matrix  # Z' W E_r W Z
    second: Matrix  # Z' W E_r W E_s W Z
    traces: Matrix  # of W E_r
    pair_traces: Matrix  # of W E_r W E_s


def _sums(design: RepeatedDesign, basis: Matrix, covariance: Matrix) -> _Sums:
    """Return the sums; LinAlgError where the covariance is not positive definite."""
    q, m = design.coefficients + 1, len(basis)
    log_determinant, plain = 0.0, np.zeros((q, q))
    first, second = np.zeros((m, q, q)), np.zeros((m, m, q, q))
    traces, pair_traces = np.zeros(m), np.zeros((m, m))
    for pattern in design.patterns:
        rows, columns = np.ix_(pattern.visits, pattern.visits)
        lower = np.linalg.cholesky(covariance[rows, columns])
        inverse = np.linalg.inv(covariance[rows, columns])
        turned = inverse @ basis[:, rows, columns]
        twice = np.einsum("rij,sjk->rsik", turned, turned @ inverse)
        log_determinant += 2 * pattern.subjects * float(np.log(np.diag(lower)).sum())
        plain += np.einsum("ij,ijab->ab", inverse, pattern.products)
        first += np.tensordot(turned @ inverse, pattern.products, axes=2)
        second += np.tensordot(twice, pattern.products, axes=2)
        traces += pattern.subjects * np.einsum("rii->r", turned)
        pair_traces += pattern.subjects * np.einsum("rij,sji->rs", turned, turned)
    return _Sums(log_determinant, plain, first, second, traces, pair_traces)


def _evaluate(design: RepeatedDesign, basis: Matrix, weights: Matrix) -> RemlPoint | None:
    """Return the likelihood and its derivatives; None where the covariance is not positive definite."""
    covariance = np.einsum("r,rij->ij", weights, basis)
    try:
        sums = _sums(design, basis, covariance)
        p = design.coefficients
        variance = np.asarray(np.linalg.inv(sums.plain[:p, :p]), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    coefficients = variance @ sums.plain[:p, p]
    residual = np.append(-coefficients, 1.0)  # turns a row of design and value into its residual
    squares = float(residual @ sums.plain @ residual)
    normal = (design.rows - p) * np.log(2 * np.pi) + sums.log_determinant
    log_likelihood = -(normal + float(np.linalg.slogdet(sums.plain[:p, :p])[1]) + squares) / 2
    score, observed, expected = _score_and_information(sums, variance, residual)
    return RemlPoint(
        log_likelihood=float(log_likelihood),
        covariance=covariance,
        coefficients=coefficients,
        variance=variance,
        first=sums.first[:, :p, :p],
        second=sums.second[..., :p, :p],
        score=score,
        observed=observed,
        expected=expected,
    )


def _score_and_information(sums: _Sums, variance: Matrix, residual: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Return the score, observed and expected information of the covariance parameters.

    With P = W - W X (X' W X)^-1 X' W they are -(tr P E_r - y' P E_r P y) / 2, its derivative, and
    tr(P E_r P E_s) / 2.
    """
    p = len(variance)
    turned = variance @ sums.first[:, :p, :p]
    squares = sums.first @ residual @ residual
    score = (squares - sums.traces + np.einsum("raa->r", turned)) / 2
    toward = sums.first[:, :p] @ residual
    crossed = sums.second @ residual @ residual - toward @ variance @ toward.T
    pair_traces = (
        sums.pair_traces
        - 2 * np.einsum("ab,rsba->rs", variance, sums.second[..., :p, :p])
        + np.einsum("rab,sba->rs", turned, turned)
    )
    expected = (pair_traces + pair_traces.T) / 4
    return score, (crossed + crossed.T) / 2 - expected, expected
