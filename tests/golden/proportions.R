# Answers of R to random 2 by 2 tables; writes proportions.json beside this script. Run by `make goldens`.
# Wilson intervals of each arm are prop.test(correct = FALSE)'s; Newcombe's interval is put together from them by
# the formula of his method 10, which base R does not have. fisher.test finds the odds ratio and its interval with
# uniroot's default tolerance, eps^0.25 = 1.2e-4: they are kept as R gives them, and as `sharp` with eps.

suppressMessages(library(jsonlite))
set.seed(4102)
TABLES <- 120

sharp_uniroot <- function(...) stats::uniroot(..., tol = .Machine$double.eps)
sharp_fisher <- fisher.test
environment(sharp_fisher) <- list2env(list(uniroot = sharp_uniroot), parent = environment(fisher.test))

wilson <- function(yes, n, level) {
  as.numeric(suppressWarnings(prop.test(yes, n, conf.level = level, correct = FALSE))$conf.int)
}

newcombe <- function(a, m, b, n, level) {
  treated <- wilson(a, m, level)
  control <- wilson(b, n, level)
  difference <- a / m - b / n
  c(
    difference - sqrt((a / m - treated[1])^2 + (control[2] - b / n)^2),
    difference + sqrt((treated[2] - a / m)^2 + (b / n - control[1])^2)
  )
}

finite <- function(x) ifelse(is.finite(x), x, NA)

exact <- function(test, table, level, alternative) {
  found <- test(table, conf.level = level, alternative = alternative)
  list(odds_ratio = finite(found$estimate[[1]]), interval = finite(as.numeric(found$conf.int)), p = found$p.value)
}

one <- function(index) {
  m <- sample(c(3:20, 35, 65, 150, 400), 1)
  n <- sample(c(3:20, 35, 65, 150, 400), 1)
  a <- rbinom(1, m, sample(c(0, 0.05, 0.3, 0.6, 0.95, 1), 1))
  b <- rbinom(1, n, sample(c(0, 0.05, 0.3, 0.6, 0.95, 1), 1))
  if (index <= 4) { # nobody, everybody
    a <- c(0, m, 0, m)[index]
    b <- c(0, n, n, 0)[index]
  }
  level <- sample(c(0.95, 0.9, 0.99), 1)
  table <- matrix(c(a, m - a, b, n - b), 2, byrow = TRUE)
  list(
    treated_yes = a, treated_n = m, control_yes = b, control_n = n, alpha = 1 - level,
    difference = a / m - b / n, newcombe = newcombe(a, m, b, n, level),
    fisher = lapply(list(two_sided = "two.sided", less = "less", greater = "greater"), function(alternative) {
      list(
        default = exact(fisher.test, table, level, alternative),
        sharp = exact(sharp_fisher, table, level, alternative)
      )
    })
  )
}

script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
content <- list(
  made_by = paste("R", getRversion(), "fisher.test, prop.test"), tables = lapply(seq_len(TABLES), one)
)
write(toJSON(content, digits = NA, auto_unbox = TRUE, na = "null"), sub("\\.R$", ".json", script))
