# Fits by lme4::lmer to the data sets that batch_cases.py has drawn: Rscript lmer_batch.R FOLDER NUMBER_OF_BATCHES
# Reads k.json (layout) and k.bin (scores, little-endian doubles, one data set after the other), writes k.csv.
# Each data set gets a fresh lmer(): refit() from a singular template stays stuck at the boundary.
suppressMessages({library(lme4); library(jsonlite)})
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]

one_fit <- function(y, columns, layout) {
  data <- data.frame(y = y, athlete = columns$athlete)
  terms <- colnames(columns$X)
  for (term in terms) data[[term]] <- columns$X[, term]
  random <- if (layout$slopes) paste("(1 +", terms[1], "| athlete)") else "(1 | athlete)"
  formula <- as.formula(paste("y ~", paste(c("1", terms), collapse = " + "), "+", random))
  fit <- suppressMessages(suppressWarnings(lmer(formula, data, REML = layout$reml)))
  theta <- getME(fit, "theta")
  beta <- fixef(fit)
  se <- sqrt(diag(as.matrix(vcov(fit))))
  pad <- function(x, to) c(unname(x), rep(NA, to - length(x)))
  covariance <- as.matrix(VarCorr(fit)$athlete)
  c(as.numeric(logLik(fit)), pad(beta, 3), pad(se, 3), pad(covariance[lower.tri(covariance, diag = TRUE)], 3),
    sigma(fit)^2, as.numeric(isSingular(fit)))
}

for (k in seq_len(as.integer(arguments[2])) - 1) {
  layout <- fromJSON(file.path(folder, paste0(k, ".json")))
  X <- layout$X[, -1, drop = FALSE]
  colnames(X) <- paste0("x", seq_len(ncol(X)))
  columns <- list(X = X, athlete = factor(layout$athlete))
  y <- matrix(readBin(file.path(folder, paste0(k, ".bin")), "double", layout$n * nrow(X), endian = "little"),
              ncol = layout$n)
  fits <- t(apply(y, 2, one_fit, columns = columns, layout = layout))
  colnames(fits) <- c("loglik", "beta0", "beta1", "beta2", "se0", "se1", "se2", "cov00", "cov10", "cov11",
                      "scale", "singular")
  write.csv(format(as.data.frame(fits), digits = 15), file.path(folder, paste0(k, ".csv")),
            row.names = FALSE, quote = FALSE)
}
