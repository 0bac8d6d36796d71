# Answers of nlme to random trial tables with missing visits; writes repeated_measures.json beside this script.
# Run by `make goldens`. Unstructured: gls with corSymm and varIdent. Compound symmetry: gls with corCompSymm;
# random_intercept: lme, the same model where the covariance is not negative. nlme's convergence criteria are
# tightened, as the defaults leave only three to five digits. kenward_roger: pbkrtest on lmer's random intercept.

suppressMessages({
  library(jsonlite)
  library(nlme)
})
if (!requireNamespace("pbkrtest", quietly = TRUE)) stop("needs pbkrtest (Debian: r-cran-pbkrtest)")
set.seed(4103)
TABLES <- 32
TIGHT <- glsControl(
  tolerance = 1e-12, msTol = 1e-14, msMaxIter = 2000, maxIter = 500, opt = "nlminb", returnObject = FALSE
)

trial <- function(index) {
  n <- sample(c(20, 30, 45, 70, 100), 1)
  visits <- list(c("day 10", "day 28"), c("day 10", "day 28", "day 90"), c("day 5", "day 10", "day 28", "day 90"))
  visits <- visits[[1 + index %% 3]]
  k <- length(visits)
  treated <- runif(n) < sample(c(0.5, 0.65), 1)
  baseline <- round(rgamma(n, 2, 0.1), 3)
  severity <- sample(c("mild", "moderate", "severe"), n, TRUE)
  age <- round(rnorm(n, 55, 12))
  root <- matrix(rnorm(k * k), k) * 3 + diag(6, k)
  noise <- matrix(rnorm(n * k), n) %*% root + rnorm(n, 0, 5)
  slope <- seq(1, k) / k
  mean <- outer(-0.3 * baseline - 6 * treated, slope) + 2 * (severity == "severe")
  wide <- mean + noise
  long <- data.frame(
    subject = rep(sprintf("s%03d", seq_len(n)), k), visit = rep(visits, each = n),
    value = round(as.vector(wide), 4), baseline = rep(baseline, k), treated = rep(treated, k),
    severity = rep(severity, k), age = rep(age, k), stringsAsFactors = FALSE
  )
  missing <- c(0, 0.1, 0.3)[1 + (index %/% 3) %% 3]
  late <- match(long$visit, visits) > 1
  long[runif(nrow(long)) >= missing * ifelse(late, 1.2, 0.6), ] # the later, the more are missing
}

summarise_fit <- function(fit, term) {
  coefficients <- if (inherits(fit, "lme")) fixef(fit) else coef(fit)
  list(
    effect = coefficients[[term]], standard_error = sqrt(vcov(fit)[term, term]),
    log_likelihood = as.numeric(logLik(fit))
  )
}

kenward_roger <- function(formula, table, term) {
  fit <- lme4::lmer(
    update(formula, . ~ . + (1 | subject)), table, REML = TRUE,
    control = lme4::lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = 0.01, rhoend = 1e-12))
  )
  contrast <- as.numeric(names(lme4::fixef(fit)) == term)
  adjusted <- pbkrtest::vcovAdj(fit)
  list(
    standard_error = sqrt(as.numeric(t(contrast) %*% adjusted %*% contrast)),
    df = pbkrtest::Lb_ddf(contrast, vcov(fit), adjusted),
    singular = lme4::isSingular(fit, tol = 1e-4)
  )
}

# The formulas of Kenward and Roger 1997, written out with one n by n matrix per covariance parameter.
kenward_roger_unstructured <- function(fit, table, term, visits) {
  x <- model.matrix(formula(fit), table)
  k <- length(visits)
  sigma <- unstructured_covariance(fit, table, visits)
  at <- match(as.character(table$visit), visits)
  same <- outer(table$subject, table$subject, "==")
  inverse <- solve(ifelse(same, sigma[at, at], 0))
  pairs <- which(lower.tri(diag(k), diag = TRUE), arr.ind = TRUE)
  slopes <- lapply(seq_len(nrow(pairs)), function(r) {
    unit <- matrix(0, k, k)
    unit[pairs[r, 1], pairs[r, 2]] <- unit[pairs[r, 2], pairs[r, 1]] <- 1
    ifelse(same, unit[at, at], 0)
  })
  phi <- solve(t(x) %*% inverse %*% x)
  projection <- inverse - inverse %*% x %*% phi %*% t(x) %*% inverse
  turned <- lapply(slopes, function(s) projection %*% s)
  m <- length(slopes)
  information <- matrix(0, m, m)
  for (r in 1:m) for (s in 1:m) information[r, s] <- sum(turned[[r]] * t(turned[[s]])) / 2
  w <- solve(information)
  p <- lapply(slopes, function(s) -t(x) %*% inverse %*% s %*% inverse %*% x)
  lambda <- 0 * phi
  for (r in 1:m) for (s in 1:m) {
    q <- t(x) %*% inverse %*% slopes[[r]] %*% inverse %*% slopes[[s]] %*% inverse %*% x
    lambda <- lambda + w[r, s] * (q - p[[r]] %*% phi %*% p[[s]])
  }
  adjusted <- phi + 2 * phi %*% lambda %*% phi
  contrast <- as.numeric(colnames(x) == term)
  gradient <- sapply(p, function(one) as.numeric(t(contrast) %*% phi %*% one %*% phi %*% contrast))
  plain <- as.numeric(t(contrast) %*% phi %*% contrast)
  list(
    standard_error = sqrt(as.numeric(t(contrast) %*% adjusted %*% contrast)),
    df = 2 * plain^2 / as.numeric(t(gradient) %*% w %*% gradient)
  )
}

unstructured_covariance <- function(fit, table, visits) {
  correlation <- diag(length(visits))
  correlation[lower.tri(correlation)] <- coef(fit$modelStruct$corStruct, unconstrained = FALSE)
  correlation[upper.tri(correlation)] <- t(correlation)[upper.tri(correlation)]
  deviations <- fit$sigma * coef(fit$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)[visits]
  correlation * outer(deviations, deviations)
}

one <- function(index) {
  repeat {
    table <- trial(index)
    result <- tryCatch(answer(table, index), error = function(e) NULL)
    if (!is.null(result)) return(result)
    failures <<- failures + 1
  }
}

answer <- function(table, index) {
  covariates <- list(character(), "age", "severity", c("age", "severity"))[[1 + index %% 4]]
  by_visit <- index %% 5 == 0
  visits <- unique(table$visit)
  asked <- if (index %% 2) "day 28" else visits[length(visits)]
  work <- table
  work$visit <- relevel(factor(work$visit, levels = visits), ref = asked) # so that `treated` is the effect there
  work$index <- match(as.character(work$visit), visits)
  terms <- c("visit * treated", if (by_visit) "visit * baseline" else "baseline", covariates)
  formula <- as.formula(paste("value ~", paste(terms, collapse = " + ")))
  ordered <- work[order(work$subject, work$index), ]
  symmetric <- gls(
    formula, ordered, correlation = corSymm(form = ~ index | subject), weights = varIdent(form = ~ 1 | visit),
    method = "REML", control = TIGHT
  )
  compound <- gls(
    formula, ordered, correlation = corCompSymm(form = ~ 1 | subject), method = "REML", control = TIGHT
  )
  lme_fit <- lme(
    formula, ordered, random = ~ 1 | subject, method = "REML",
    control = lmeControl(tolerance = 1e-12, msTol = 1e-14, msMaxIter = 2000, maxIter = 500, opt = "nlminb")
  )
  list(
    table = as.list(table), covariates = I(covariates), baseline_by_visit = by_visit, visit = asked,
    unstructured = c(
      summarise_fit(symmetric, "treatedTRUE"),
      list(kenward_roger = kenward_roger_unstructured(symmetric, ordered, "treatedTRUE", visits))
    ),
    compound_symmetry = c(
      summarise_fit(compound, "treatedTRUE"),
      list(correlation = coef(compound$modelStruct$corStruct, unconstrained = FALSE)[[1]])
    ),
    random_intercept = c(
      summarise_fit(lme_fit, "treatedTRUE"), list(kenward_roger = kenward_roger(formula, ordered, "treatedTRUE"))
    )
  )
}

failures <- 0
script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
tables <- lapply(seq_len(TABLES), one)
content <- list(
  made_by = paste("R", getRversion(), "nlme", packageVersion("nlme"), "pbkrtest", packageVersion("pbkrtest")),
  not_converged = failures, tables = tables
)
write(toJSON(content, digits = NA, auto_unbox = TRUE, na = "null"), sub("\\.R$", ".json", script))
