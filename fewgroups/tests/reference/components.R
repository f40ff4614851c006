# Reference numbers for fewgroups.variances: lme4's profile intervals and the ingredients of R².
#   Rscript components.R        reads coefficients_fits.json, data/ and ../../../data/pushups.csv,
#                               writes components.json
# lme4 profiles the ML likelihood whatever the fit, so each model is fitted by ML for `profile`; R² and ICC are of
# the REML fit, from the dense covariance Z Λ Λᵀ Zᵀ σ² of the rows (Nakagawa et al. 2017, Johnson 2014).
Sys.setlocale("LC_COLLATE", "C")
suppressMessages({library(lme4); library(jsonlite)})

specs <- fromJSON("coefficients_fits.json", simplifyVector = FALSE)
cases <- c("dyestuff", "dyestuff2", "sleepstudy_intercept", "sleepstudy_slopes", "sleepstudy_independent",
           "penicillin", "pastes", "machines_nested", "machines_unbalanced", "cake_dose")
tight <- lmerControl(optimizer = "bobyqa", calc.derivs = FALSE, boundary.tol = 0,
                     check.conv.singular = "ignore", optCtrl = list(rhoend = 1e-9, maxfun = 1e5))

read_case <- function(name) {
  if (name == "pushups") {
    return(list(data = read.csv("../../../data/pushups.csv"),
                formula = correctness ~ session_high + (1 | athlete_id)))
  }
  spec <- specs$fits[[name]]
  d <- read.csv(file.path("data", paste0(spec$data, ".csv")))
  for (v in unlist(specs$data[[spec$data]]$factors)) d[[v]] <- factor(as.character(d[[v]]))
  if (length(spec$without_rows) > 0) d <- d[-unlist(spec$without_rows), ]
  list(data = d, formula = as.formula(paste(spec$formula, "+", spec$lmer)))
}

shares <- function(m) {
  fixed <- var(as.numeric(getME(m, "X") %*% fixef(m)))
  ZL <- as.matrix(getME(m, "Z") %*% t(getME(m, "Lambdat")))
  random <- mean(rowSums(ZL^2)) * sigma(m)^2
  residual <- sigma(m)^2
  list(icc = random / (random + residual), r2_marginal = fixed / (fixed + random + residual),
       r2_conditional = (fixed + random) / (fixed + random + residual))
}

answer <- list()
for (name in c(cases, "pushups")) {
  case <- read_case(name)
  ml <- lmer(case$formula, case$data, REML = FALSE, control = tight)
  reml <- lmer(case$formula, case$data, REML = TRUE, control = tight)
  interval <- suppressWarnings(suppressMessages(
    confint(ml, parm = "theta_", method = "profile", oldNames = FALSE, devtol = 1e-6,
            delta.cutoff = 1 / 40)))  # a fine grid: between its points R interpolates by splines
  answer[[name]] <- list(names = I(rownames(interval)), low = I(unname(interval[, 1])),
                         high = I(unname(interval[, 2])),
                         estimate = I(c(as.data.frame(VarCorr(ml), order = "lower.tri")$sdcor)),
                         reml = shares(reml))
  cat(name, "\n"); print(interval)
}
write_json(answer, "components.json", digits = I(9), auto_unbox = TRUE, null = "null")
