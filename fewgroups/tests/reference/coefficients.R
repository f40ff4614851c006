# Reference numbers for fewgroups.coefficients and f_tests: lmerTest and pbkrtest.
#   Rscript coefficients.R data        writes the public data sets, data/*.csv
#   Rscript coefficients.R public      fits what coefficients_fits.json lists, writes coefficients_public.json
#   Rscript coefficients.R simulated responses.csv
#                                      fits the simulated data sets that simulated.py writes,
#                                      writes coefficients_simulated.csv
# The optimisers run to tight tolerances, so that the numbers are those of the optimum and not of the stop.
Sys.setlocale("LC_COLLATE", "C")   # factor levels in the order in which patsy sorts them
suppressMessages({library(lmerTest); library(pbkrtest); library(jsonlite)})

specs <- fromJSON("coefficients_fits.json", simplifyVector = FALSE)
tight <- function(optimizer) lmerControl(
  optimizer = optimizer, calc.derivs = FALSE, boundary.tol = 0,
  check.conv.singular = "ignore",
  optCtrl = if (optimizer == "bobyqa") list(rhoend = 1e-9, maxfun = 1e5)
            else list(xtol_abs = 1e-11, ftol_abs = 1e-11, maxeval = 1e5))

export <- function() {
  plain <- function(d) {
    d <- as.data.frame(d)
    for (v in names(d)) if (is.factor(d[[v]])) d[[v]] <- as.character(d[[v]])
    d
  }
  for (name in names(specs$data)) {
    package <- specs$data[[name]]$package
    d <- plain(get(data(list = name, package = package, envir = environment())))
    if (name == "cake") d$block <- paste0(d$recipe, d$replicate)
    if (name == "Pixel") d$day2 <- d$day^2
    if (name == "Soybean") {
      d$log_weight <- round(log(d$weight), 6)
      d$week <- d$Time / 7 - 7
      d$week2 <- d$week^2
      d$weight <- d$Time <- NULL
    }
    if (name == "ham") names(d)[names(d) == "Informed.liking"] <- "liking"
    if (name == "carrots") {
      d <- d[c("Consumer", "Homesize", "Product", "Preference", "sens1", "sens2")]
      d$sens1 <- round(d$sens1, 6); d$sens2 <- round(d$sens2, 6)
      d <- d[complete.cases(d), ]
    }
    if (name == "TVbo") {
      d <- d[c("Assessor", "TVset", "Repeat", "Picture", "Coloursaturation")]
      names(d)[5] <- "saturation"
    }
    if (name %in% c("Oats", "beets")) names(d)[names(d) == "yield"] <- "crop"  # a keyword in Python
    if (name == "beets") d$plot <- paste0(d$block, d$harvest)
    write.csv(d, file.path("data", paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
  }
}

read_data <- function(name) {
  d <- read.csv(file.path("data", paste0(name, ".csv")))
  for (v in unlist(specs$data[[name]]$factors)) d[[v]] <- factor(as.character(d[[v]]))
  d
}

best_fit <- function(formula, data, reml) {
  # both optimisers; the higher likelihood stands
  fits <- lapply(c("bobyqa", "nloptwrap"), function(o)
    suppressWarnings(lmerTest::lmer(formula, data, REML = reml, control = tight(o))))
  fits[[which.max(sapply(fits, function(m) as.numeric(logLik(m))))]]
}

table_of <- function(m, L, ddf) suppressWarnings(suppressMessages({
  t <- do.call(rbind, lapply(seq_len(nrow(L)), function(i) contest1D(m, L[i, ], ddf = ddf)))
  lapply(list(estimate = t[["Estimate"]], se = t[["Std. Error"]], df = t[["df"]], t = t[["t value"]],
              p = t[["Pr(>|t|)"]]), I)
}))

f_of <- function(m, ddf, type) {
  # a term of one coefficient is told by its t; single_anova asks for each term in turn
  if (length(attr(terms(m), "term.labels")) == 0) return(NULL)
  a <- suppressWarnings(suppressMessages(anova(m, type = type, ddf = ddf)))
  lapply(list(term = rownames(a), F = a[["F value"]], num = a[["NumDF"]], den = a[["DenDF"]],
              p = a[["Pr(>F)"]]), I)
}

describe <- function(spec, data, reml) {
  formula <- as.formula(paste(spec$formula, "+", spec$lmer))
  m <- best_fit(formula, data, reml)
  k <- length(fixef(m))
  L <- diag(k)
  dimnames(L) <- list(names(fixef(m)), names(fixef(m)))
  C <- t(sapply(spec$contrasts, function(w) {
    row <- setNames(numeric(k), names(fixef(m)))
    row[names(w)] <- unlist(w)
    row
  }))
  if (length(spec$contrasts) > 0) L <- rbind(L, C)
  methods <- if (reml) c("Satterthwaite", "Kenward-Roger") else "Satterthwaite"
  out <- list(loglik = as.numeric(logLik(m)), sigma = sigma(m), theta = I(as.numeric(getME(m, "theta"))),
              singular = isSingular(m, tol = 1e-4), terms = I(names(fixef(m))),
              contrasts = I(as.character(names(spec$contrasts))))
  for (ddf in methods) {
    out[[ddf]] <- list(t = table_of(m, L, ddf), type3 = f_of(m, ddf, "III"),
                       marginal = f_of(m, ddf, "marginal"))
  }
  out
}

public <- function() {
  answer <- list()
  for (name in names(specs$fits)) {
    spec <- specs$fits[[name]]
    data <- read_data(spec$data)
    if (length(spec$without_rows) > 0) data <- data[-unlist(spec$without_rows), ]
    answer[[name]] <- list(REML = describe(spec, data, TRUE), ML = describe(spec, data, FALSE))
    cat(name, answer[[name]]$REML$loglik, answer[[name]]$REML$singular, "\n")
  }
  write_json(answer, "coefficients_public.json", digits = I(9), auto_unbox = TRUE, null = "null")
}

simulated <- function(path) {
  d <- read.csv(path)
  rows <- list()
  for (k in unique(d$data_set)) {
    one <- d[d$data_set == k, ]
    formula <- if (one$slopes[1]) score ~ session_high + (session_high | athlete) else
      score ~ session_high + (1 | athlete)
    reml <- one$reml[1] == 1
    m <- best_fit(formula, one, reml)
    s <- table_of(m, diag(2), "Satterthwaite")
    kr <- if (reml) table_of(m, diag(2), "Kenward-Roger") else list(se = c(NA, NA), df = c(NA, NA))
    rows[[length(rows) + 1]] <- data.frame(
      data_set = k, loglik = as.numeric(logLik(m)), singular = 1L * isSingular(m, tol = 1e-4),
      estimate_0 = s$estimate[1], estimate_1 = s$estimate[2], se_0 = s$se[1], se_1 = s$se[2],
      df_0 = s$df[1], df_1 = s$df[2], kr_se_0 = kr$se[1], kr_se_1 = kr$se[2], kr_df_0 = kr$df[1],
      kr_df_1 = kr$df[2])
  }
  answer <- do.call(rbind, rows)
  for (v in names(answer)[-c(1, 3)]) answer[[v]] <- signif(answer[[v]], 9)
  write.csv(answer, "coefficients_simulated.csv", row.names = FALSE, quote = FALSE, na = "")
}

arguments <- commandArgs(trailingOnly = TRUE)
switch(arguments[1], data = export(), public = public(), simulated = simulated(arguments[2]))
