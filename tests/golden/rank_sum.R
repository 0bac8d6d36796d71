# Answers of R's wilcox.test(conf.int = TRUE) to random tables; writes rank_sum.json beside this script.
# Run by `make goldens`. Two changes to R's defaults: tol.root = 1e-12 (the default, 1e-4, is all the precision that
# R's estimate and interval then have; those answers are kept too, as `loose`), and warnings are kept, not shown.

suppressMessages(library(jsonlite))
set.seed(20201)
TABLES <- 640
LEVELS <- c(0.8, 0.9, 0.95, 0.95, 0.95, 0.975, 0.99)
ALTERNATIVES <- c("two.sided", "two.sided", "less", "greater")

draw <- list(
  normal = function(n, shift) round(rnorm(n, shift, 10), 4),
  skewed = function(n, shift) round(exp(rnorm(n, shift / 10)), 4),
  heavy_tails = function(n, shift) round(rt(n, 2) * 10 + shift, 4),
  percent_change = function(n, shift) round(pmax(-100, rnorm(n, shift * 5 - 40, 45)), 2),
  proportions = function(n, shift) round(rbeta(n, 1, 6 + max(shift, -5)), 5),
  rounded = function(n, shift) round(rnorm(n, shift, 3)),
  halves = function(n, shift) round(2 * rnorm(n, shift / 4)) / 2,
  few_levels = function(n, shift) sample(0:3, n, TRUE, prob = c(4, 3, 2, 1 + max(shift, 0) / 2)),
  yes_no = function(n, shift) rbinom(n, 1, plogis(shift / 8)),
  many_zeros = function(n, shift) ifelse(runif(n) < 0.6, 0, round(rnorm(n, shift, 5), 1)),
  large = function(n, shift) round(rnorm(n, 1e6 + 1e4 * shift, 1e5)),
  small = function(n, shift) round(rnorm(n, shift, 10) * 1e-4, 7),
  negative = function(n, shift) -round(rexp(n, 0.1 / (1 + abs(shift) / 10)), 1)
)

sizes <- function() {
  switch(sample(c("tiny", "small", "small", "mixed", "any", "any"), 1),
    tiny = sample(3:9, 2, TRUE),
    small = sample(5:49, 2, TRUE),
    mixed = sample(c(sample(3:20, 1), sample(50:200, 1))),
    any = sample(3:200, 2, TRUE)
  )
}

answer <- function(x, y, alternative, level, tolerance) {
  warned <- character()
  found <- tryCatch(
    withCallingHandlers(
      wilcox.test(x, y, alternative = alternative, conf.int = TRUE, conf.level = level, tol.root = tolerance),
      warning = function(w) {
        warned <<- c(warned, conditionMessage(w))
        invokeRestart("muffleWarning")
      }
    ),
    error = function(e) conditionMessage(e)
  )
  if (is.character(found)) {
    return(list(error = found, p = suppressWarnings(wilcox.test(x, y, alternative = alternative))$p.value))
  }
  c(
    list(
      p = found$p.value, low = found$conf.int[1], high = found$conf.int[2], estimate = unname(found$estimate),
      achieved = attr(found$conf.int, "conf.level"), exact = grepl("exact", found$method)
    ),
    if (length(warned)) list(warnings = I(unique(warned)))
  )
}

as_kept <- function(v) suppressWarnings(as.numeric(sprintf("%.15g", v))) # as JSON keeps it: ties must stay ties
finite <- function(a) lapply(a, function(v) if (is.numeric(v) && length(v) == 1 && !is.finite(v)) NULL else v)

cases <- lapply(seq_len(TABLES), function(i) {
  kind <- names(draw)[(i - 1) %% length(draw) + 1]
  shift <- sample(c(0, 0, -3, 4, 12), 1)
  n <- sizes()
  x <- draw[[kind]](n[1], shift)
  y <- draw[[kind]](n[2], 0)
  if (i %% 16 == 0) y <- rep(y[1], length(y))
  if (i %% 23 == 0) x <- rep(x[1], length(x))
  if (i %% 9 == 0) x[sample(length(x), max(1, length(x) %/% 6))] <- NA
  if (i %% 12 == 0) y[sample(length(y), max(1, length(y) %/% 5))] <- NA
  if (i %% 40 == 0) x <- x + 1e3
  x <- as_kept(x)
  y <- as_kept(y)
  alternative <- sample(ALTERNATIVES, 1)
  level <- sample(LEVELS, 1)
  r <- answer(x, y, alternative, level, 1e-12)
  loose <- if (is.null(r$error) && !r$exact) answer(x, y, alternative, level, 1e-4)[c("low", "high", "estimate")]
  list(
    kind = kind, x = I(x), y = I(y), alternative = alternative, level = level, r = finite(r), loose = finite(loose)
  )
})

script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
write_json(
  list(made_by = paste(R.version.string, "wilcox.test, tol.root = 1e-12"), cases = cases), sub("\\.R$", ".json", script),
  auto_unbox = TRUE, digits = NA, na = "null", null = "null"
)
