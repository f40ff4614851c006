# Tests of the effect in the data sets that studies_cases.py has drawn: Rscript studies.R FOLDER CASES
# Reads k.json (layout) and k.bin (scores, little-endian doubles, one data set after the other), writes k.csv: a row
# per data set and method. Mixed models are fitted by two optimisers to tight tolerances, the higher likelihood stands.
suppressMessages({library(lmerTest); library(pbkrtest); library(clubSandwich); library(jsonlite)})
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]

tight <- function(optimizer) lmerControl(
  optimizer = optimizer, calc.derivs = FALSE, boundary.tol = 0, check.conv.singular = "ignore",
  optCtrl = if (optimizer == "bobyqa") list(rhoend = 1e-9, maxfun = 1e5)
            else list(xtol_abs = 1e-11, ftol_abs = 1e-11, maxeval = 1e5))

best_fit <- function(formula, data) {
  fits <- lapply(c("bobyqa", "nloptwrap"), function(o)
    suppressMessages(suppressWarnings(lmerTest::lmer(formula, data, control = tight(o)))))
  fits[[which.max(sapply(fits, function(m) as.numeric(logLik(m))))]]
}

row_of <- function(set, method, estimate, se, df, p, singular = NA, loglik = NA)
  data.frame(set, method, estimate, se, df, p, singular, loglik)

mixed <- function(set, name, formula, data) {
  m <- best_fit(formula, data)
  do.call(rbind, lapply(c("Satterthwaite", "Kenward-Roger"), function(ddf) {
    t <- suppressWarnings(contest1D(m, c(0, 1), ddf = ddf))
    row_of(set, paste(name, ddf), t[["Estimate"]], t[["Std. Error"]], t[["df"]], t[["Pr(>|t|)"]],
           1L * isSingular(m, tol = 1e-4), as.numeric(logLik(m)))
  }))
}

clustered <- function(set, data) {  # "CR1S" is Stata's factor, m/(m - 1) (N - 1)/(N - p)
  test <- function(vcov, test) coef_test(lm(y ~ high, data), vcov, cluster = data$group, test = test)[2, ]
  cr1 <- test("CR1S", c("z", "naive-t")); cr2 <- test("CR2", "Satterthwaite")
  rbind(row_of(set, "cluster-robust z", cr1$beta, cr1$SE, Inf, cr1$p_z),
        row_of(set, "cluster-robust t", cr1$beta, cr1$SE, nlevels(data$group) - 1, cr1$p_t),
        row_of(set, "cluster-robust CR2", cr2$beta, cr2$SE, cr2$df_Satt, cr2$p_Satt))
}

tests <- function(set, y, layout) {
  data <- data.frame(y = y, group = factor(layout$group), high = layout$high)
  low <- y[data$high == 0]; high <- y[data$high == 1]
  means <- tapply(y, list(data$group, data$high), mean)
  pooled <- t.test(high, low, var.equal = TRUE)
  difference <- mean(high) - mean(low)
  answer <- list(
    row_of(set, "pooled t", difference, pooled$stderr, pooled$parameter, pooled$p.value),
    clustered(set, data),
    mixed(set, "intercept", y ~ high + (1 | group), data))
  if (layout$between) {
    on_means <- t.test(na.omit(means[, 2]), na.omit(means[, 1]), var.equal = TRUE)
    answer$means <- row_of(set, "t on means", -diff(on_means$estimate), on_means$stderr, on_means$parameter,
                           on_means$p.value)
  } else {
    d <- na.omit(means[, 2] - means[, 1])
    paired <- t.test(d)
    answer$paired <- row_of(set, "paired t", mean(d), paired$stderr, paired$parameter, paired$p.value)
    answer$slope <- mixed(set, "slope", y ~ high + (1 + high | group), data)
  }
  do.call(rbind, answer)
}

for (k in seq_len(as.integer(arguments[2])) - 1) {
  layout <- fromJSON(file.path(folder, paste0(k, ".json")))
  y <- matrix(readBin(file.path(folder, paste0(k, ".bin")), "double", layout$n * length(layout$high),
                      endian = "little"), ncol = layout$n)
  answer <- do.call(rbind, lapply(seq_len(layout$n), function(i) tests(i - 1, y[, i], layout)))
  write.csv(format(answer, digits = 12), file.path(folder, paste0(k, ".csv")), row.names = FALSE, quote = FALSE)
  cat("case", k, "done\n")
}
