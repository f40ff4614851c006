# lmer's slope fits of the columns y0, y1, ... of a table: Rscript fits.R given.csv found.csv (see fits_cases.py).
suppressMessages(library(lme4))
arguments <- commandArgs(trailingOnly = TRUE)
given <- read.csv(arguments[1])
given$athlete_id <- factor(given$athlete_id)
controls <- list(
  lmerControl(optimizer = "bobyqa", calc.derivs = FALSE, check.conv.singular = "ignore",
              optCtrl = list(rhoend = 1e-9, maxfun = 1e5)),
  lmerControl(optimizer = "nloptwrap", calc.derivs = FALSE, check.conv.singular = "ignore",
              optCtrl = list(xtol_abs = 1e-11, ftol_abs = 1e-11, maxeval = 1e5)))
one <- function(name) {
  given$y <- given[[name]]
  fits <- lapply(controls, function(control) suppressWarnings(suppressMessages(
    lmer(y ~ session_high + (session_high | athlete_id), given, control = control))))
  best <- fits[[which.max(sapply(fits, logLik))]]
  data.frame(loglik = round(as.numeric(logLik(best)), 7), singular = as.integer(isSingular(best)))
}
names <- grep("^y[0-9]+$", colnames(given), value = TRUE)
write.csv(do.call(rbind, lapply(names, one)), arguments[2], row.names = FALSE, quote = FALSE)
