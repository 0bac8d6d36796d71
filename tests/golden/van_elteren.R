# Answers of coin to random stratified tables; writes van_elteren.json beside this script. Run by `make goldens`.
# van Elteren's test in coin: ranks / (n + 1) within blocks as scores. coin::wilcox_test(y ~ arm | block) is another
# test, for it ranks over the blocks; its P is kept as `wilcox_test`, to show that. coin gives no shift for blocks:
# `single` is wilcox.test without corrections on tables with one stratum, where the two agree.

suppressMessages({
  library(coin)
  library(jsonlite)
})
set.seed(20202)
TABLES <- 60
SINGLE <- 24

draw <- list(
  normal = function(n) round(rnorm(n, 0, 10), 3),
  skewed = function(n) round(exp(rnorm(n)), 3),
  rounded = function(n) round(rnorm(n, 0, 3)),
  few_levels = function(n) sample(0:3, n, TRUE),
  many_zeros = function(n) ifelse(runif(n) < 0.5, 0, round(rnorm(n, 0, 5), 1))
)

table_of <- function(i, strata) {
  n <- sample(c(12:60, 61:200), 1)
  stratum <- sample(letters[seq_len(strata)], n, TRUE, prob = rexp(strata) + 0.2)
  treated <- runif(n) < sample(c(0.35, 0.5, 0.65), 1)
  y <- draw[[(i - 1) %% length(draw) + 1]](n) + match(stratum, letters) * sample(0:3, 1)
  y <- y + treated * sample(c(0, 0, 1, -4), 1)
  if (i %% 7 == 0 && strata > 1) y[stratum == "a"] <- y[1]
  if (i %% 5 == 0) treated[stratum == "b"] <- TRUE
  y <- as.numeric(sprintf("%.15g", y)) # as JSON keeps it: ties must stay ties
  d <- data.frame(y = y, arm = factor(ifelse(treated, "t", "c"), levels = c("t", "c")), block = factor(stratum))
  droplevels(d[table(d$block)[d$block] > 1, ]) # coin refuses a stratum with one patient
}

stratified <- lapply(seq_len(TABLES), function(i) {
  d <- table_of(i, sample(2:7, 1))
  alternative <- sample(c("two.sided", "two.sided", "less", "greater"), 1)
  modified_ridits <- function(data) trafo(data, numeric_trafo = function(v) rank(v) / (length(v) + 1), block = d$block)
  found <- independence_test(
    y ~ arm | block,
    data = d, ytrafo = modified_ridits, teststat = "scalar", alternative = alternative
  )
  other <- wilcox_test(y ~ arm | block, data = d, alternative = alternative)
  list(
    values = I(d$y), treated = I(as.integer(d$arm == "t")), strata = I(as.character(d$block)),
    alternative = alternative, z = unname(statistic(found)[1]), p = pvalue(found)[1], wilcox_test = pvalue(other)[1]
  )
})

single <- lapply(seq_len(SINGLE), function(i) {
  d <- table_of(i, 1)
  found <- suppressWarnings(wilcox.test(
    d$y[d$arm == "t"], d$y[d$arm == "c"],
    exact = FALSE, correct = FALSE, conf.int = TRUE, tol.root = 1e-12
  ))
  list(
    values = I(d$y), treated = I(as.integer(d$arm == "t")), p = found$p.value,
    low = found$conf.int[1], high = found$conf.int[2], estimate = unname(found$estimate)
  )
})

script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
write_json(
  list(
    made_by = paste0(R.version.string, ", coin ", packageVersion("coin")),
    stratified = stratified, single = single
  ),
  sub("\\.R$", ".json", script),
  auto_unbox = TRUE, digits = NA, na = "null", null = "null"
)
