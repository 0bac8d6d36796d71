# Answers of R's wilcox.test to hand-made tables at the edge of the method: errors, warnings, unattainable levels.
# Writes rank_sum_edges.json beside this script; run by `make goldens`. Values are kept as text, for Inf and NA.

suppressMessages(library(jsonlite))

edge <- function(name, x, y, alternative = "two.sided", level = 0.95) {
  list(name = name, x = x, y = y, alternative = alternative, level = level)
}

edges <- list(
  edge("one against one", 3, 1),
  edge("one against one, tied", 2, 2),
  edge("one against five", 4, c(1, 2.5, 3, 7, 9)),
  edge("one against thirty", 100, 1:30),
  edge("one against sixty", 100.5, 1:60),
  edge("two against two", c(1, 2), c(3, 5)),
  edge("three against three", c(1, 2, 4), c(8, 16, 32)),
  edge("three against three, one-sided", c(1, 2, 4), c(8, 16, 32), "less"),
  edge("three against three at 90 %", c(1, 2, 4), c(8, 16, 32), level = 0.9),
  edge("three against four: 94.3 % without a warning", c(1, 2, 4), c(8, 16, 32, 64)),
  edge("two against seven: 94.4 % without a warning", c(1, 2), c(8, 16, 32, 64, 128, 256, 512)),
  edge("three against three, tied", c(1, 2, 2), c(2, 3, 4)),
  edge("three against three, tied, greater", c(1, 2, 2), c(2, 3, 4), "greater"),
  edge("tied in pairs, far apart", c(1, 1, 2, 2), c(11, 11, 12, 12)),
  edge("all values the same", c(5, 5, 5), c(5, 5, 5)),
  edge("all values the same, less", c(5, 5, 5), c(5, 5, 5, 5), "less"),
  edge("both arms constant", c(2, 2, 2), c(5, 5, 5, 5)),
  edge("both arms constant, greater", c(2, 2, 2), c(5, 5, 5, 5), "greater"),
  edge("both arms constant, decimals", rep(-95.37, 5), rep(14.56, 4)),
  edge("treatment constant", c(3, 3, 3, 3), c(1, 2, 4, 7, 8)),
  edge("control constant", c(1, 2, 4, 7, 8), c(3, 3, 3, 3)),
  edge("constant but for one, decimals", rep(0.686, 3), c(1.7, 1.7, 1.7, 0.2)),
  edge("empty treatment", numeric(), c(1, 2)),
  edge("empty control", c(1, 2), numeric()),
  edge("treatment all missing", c(NA, NA_real_), c(1, 2)),
  edge("missing in both", c(1, NA, 3, 5.5), c(NA, 2, 4, 7)),
  edge("infinite", c(1, Inf, 3), c(2, 5, 6)),
  edge("all tied but one", c(0, 0, 0, 0, 1), c(0, 0, 0, 0, 0)),
  edge("zeros of both signs", c(0, -0, 1), c(0, 2, 3)),
  edge("even number of differences with a gap", c(0, 0, 10, 10), c(0, 0, 1, 1)),
  edge("gap between the middle differences", c(1, 1, 1, 20, 21), c(0, 0, 3, 3)),
  edge("differences much below 1", c(1, 2, 3, 5, 5) * 1e-6, c(1, 2, 4, 4, 9) * 1e-6),
  edge("differences below the tolerance of the root", c(1, 2, 3, 5, 5) * 1e-15, c(1, 2, 4, 4, 9) * 1e-15),
  edge("large values", c(1, 2, 3, 5, 5) * 1e12, c(1, 2, 4, 4, 9) * 1e12),
  edge("values at the end of floating point", c(1e308, -1e308, 5), c(-1e308, 1e308, 5, 5)),
  edge("forty-nine against forty-nine", (1:49)^2, (1:49)^2 + 0.5),
  edge("fifty against three", (1:50)^2, c(100.5, 200.5, 300.5)),
  edge("level 50 %", c(1, 3, 5, 8, 13), c(2, 4, 6, 9, 17), level = 0.5),
  edge("level 10 %, one-sided", c(1, 3, 5, 8, 13), c(2, 4, 6, 9, 17), "less", level = 0.1),
  edge("level 10 %, one-sided, tied", c(1, 3, 5, 8, 13), c(1, 4, 6, 9, 17), "greater", level = 0.1),
  edge("level 99.9999 %", c(1, 3, 5, 8, 13), c(1, 4, 6, 9, 17), level = 0.999999)
)

answer <- function(e, tolerance) {
  warned <- character()
  found <- tryCatch(
    withCallingHandlers(
      wilcox.test(
        e$x, e$y,
        alternative = e$alternative, conf.int = TRUE, conf.level = e$level, tol.root = tolerance
      ),
      warning = function(w) {
        warned <<- c(warned, conditionMessage(w))
        invokeRestart("muffleWarning")
      }
    ),
    error = function(problem) conditionMessage(problem)
  )
  if (is.character(found)) {
    return(list(error = found, warnings = I(unique(warned))))
  }
  list(
    p = found$p.value, low = found$conf.int[1], high = found$conf.int[2], estimate = unname(found$estimate),
    achieved = attr(found$conf.int, "conf.level"), exact = grepl("exact", found$method), warnings = I(unique(warned))
  )
}

p_alone <- function(e) {
  tryCatch(
    suppressWarnings(wilcox.test(e$x, e$y, alternative = e$alternative)$p.value),
    error = function(problem) NA
  )
}

finite <- function(a) lapply(a, function(v) if (is.numeric(v) && length(v) == 1 && !is.finite(v)) NULL else v)
text <- function(v) I(sprintf("%.17g", v))

cases <- lapply(edges, function(e) {
  list(
    name = e$name, x = text(e$x), y = text(e$y), alternative = e$alternative, level = e$level,
    r = finite(answer(e, 1e-12)), loose = finite(answer(e, 1e-4)), p_alone = p_alone(e)
  )
})

script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
write_json(
  list(made_by = paste(R.version.string, "wilcox.test, tol.root = 1e-12"), cases = cases), sub("\\.R$", ".json", script),
  auto_unbox = TRUE, digits = NA, na = "null", null = "null"
)
