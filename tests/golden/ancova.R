# Answers of R's lm() to random trial tables; writes ancova.json beside this script. Run by `make goldens`.

suppressMessages(library(jsonlite))
set.seed(4101)
TABLES <- 60

trial <- function(index) {
  n <- sample(c(8, 12, 20, 35, 60, 100), 1)
  share <- sample(c(0.5, 0.65, 0.8), 1)
  treated <- runif(n) < share
  treated[1:2] <- c(TRUE, FALSE)
  baseline <- round(rgamma(n, 1.5, 0.1) + 0.5, 3)
  age <- round(rnorm(n, 55, 12))
  severity <- sample(c("critical", "mild", "severe"), n, TRUE, prob = c(1, 3, 2))
  centre <- paste0("c", sample(1:4, n, TRUE))
  ratio <- exp(rnorm(n, -0.4 - 0.3 * treated + 0.01 * (age - 55), 0.6))
  table <- data.frame(
    follow_up = round(baseline * ratio, 4), baseline = baseline, treated = treated,
    age = age, severity = severity, centre = centre, stringsAsFactors = FALSE
  )
  table$value <- round(100 * (table$follow_up - baseline) / baseline, 3)
  if (index %% 3 == 0) {
    table$value[sample(n, ceiling(n / 10))] <- NA
    table$age[sample(n, 1)] <- NA
  }
  if (index %% 5 == 0) table$severity[sample(n, 1)] <- NA
  if (index %% 7 == 0) table$age_months <- 12 * table$age # says the same as age
  table
}

chosen <- function(table, index) {
  sets <- list(character(), "age", "severity", c("age", "severity"), c("severity", "centre", "age"))
  covariates <- if (nrow(table) < 20) sets[[1 + index %% 2]] else sets[[1 + index %% 5]]
  if ("age_months" %in% names(table)) c("age", "age_months", setdiff(covariates, "age")) else covariates
}

answer <- function(formula, table, level) {
  fit <- lm(formula, table)
  row <- summary(fit)$coefficients["treatedTRUE", ]
  t <- row[["t value"]]
  df <- fit$df.residual
  list(
    effect = row[["Estimate"]], standard_error = row[["Std. Error"]], df = df,
    interval = confint(fit, "treatedTRUE", level = level)[1, ],
    p = row[["Pr(>|t|)"]], p_less = pt(t, df), p_greater = pt(t, df, lower.tail = FALSE),
    end_less = row[["Estimate"]] + qt(level, df) * row[["Std. Error"]]
  )
}

one <- function(index) {
  table <- trial(index)
  covariates <- chosen(table, index)
  level <- sample(c(0.95, 0.9, 0.99), 1)
  right <- paste(c("treated", "baseline", covariates), collapse = " + ")
  logs <- paste(c("treated", "log(baseline)", covariates), collapse = " + ")
  list(
    table = as.list(table), covariates = I(covariates), alpha = 1 - level,
    plain = answer(as.formula(paste("value ~", right)), table, level),
    log_ratio = answer(as.formula(paste("log(follow_up / baseline) ~", logs)), table, level)
  )
}

script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
content <- list(
  made_by = paste("R", getRversion(), "lm"), tables = lapply(seq_len(TABLES), one)
)
write(toJSON(content, digits = NA, auto_unbox = TRUE, na = "null"), sub("\\.R$", ".json", script))
