# Reference numbers for fewgroups.compare: anova() of lme4 models, and pbkrtest's parametric bootstrap.
#   Rscript comparison.R        writes comparison.json
# Factor levels in alphabetical order; the optimisers run to tight tolerances.
Sys.setlocale("LC_COLLATE", "C")
suppressMessages({library(lme4); library(pbkrtest); library(jsonlite)})
tight <- lmerControl(optimizer = "bobyqa", calc.derivs = FALSE, boundary.tol = 0, check.conv.singular = "ignore",
                     optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
read_data <- function(name, factors) {
  d <- read.csv(file.path("data", paste0(name, ".csv")))
  for (v in factors) d[[v]] <- factor(as.character(d[[v]]))
  d
}
sleep <- read_data("sleepstudy", "Subject")
pastes <- read_data("Pastes", c("batch", "cask", "sample"))
penicillin <- read_data("Penicillin", c("plate", "sample"))
machines <- read_data("Machines", c("Worker", "Machine"))
cake <- read_data("cake", c("block", "recipe", "temperature"))
dyestuff <- read_data("Dyestuff", "Batch")

# anova of two models: refitted by ML (refit = TRUE) or by REML as they are
both <- function(small, large, data, reml = FALSE) {
  m0 <- lmer(small, data, REML = reml, control = tight)
  m1 <- lmer(large, data, REML = reml, control = tight)
  a <- anova(m0, m1, refit = !reml)
  list(statistic = a$Chisq[2], df = a$Df[2], p = a[2, "Pr(>Chisq)"], loglik = as.numeric(c(logLik(m0), logLik(m1))),
       parameters = a$npar)
}
# an ordinary regression against a random intercept
against_lm <- function(small, large, data, reml) {
  m0 <- lm(small, data); m1 <- lmer(large, data, REML = reml, control = tight)
  l <- c(logLik(m0, REML = reml), logLik(m1))
  statistic <- 2 * (l[2] - l[1])
  list(statistic = statistic, df = 1, p = pchisq(statistic, 1, lower.tail = FALSE), loglik = l,
       parameters = c(attr(logLik(m0), "df"), attr(logLik(m1), "df")))
}
answers <- list(
  days = both(Reaction ~ 1 + (Days | Subject), Reaction ~ Days + (Days | Subject), sleep),
  slope_reml = both(Reaction ~ Days + (1 | Subject), Reaction ~ Days + (Days | Subject), sleep, TRUE),
  slope_ml = both(Reaction ~ Days + (1 | Subject), Reaction ~ Days + (Days | Subject), sleep),
  correlation = both(Reaction ~ Days + (Days || Subject), Reaction ~ Days + (Days | Subject), sleep, TRUE),
  independent_slope = both(Reaction ~ Days + (1 | Subject), Reaction ~ Days + (Days || Subject), sleep, TRUE),
  nested_component = both(strength ~ 1 + (1 | batch), strength ~ 1 + (1 | batch / cask), pastes, TRUE),
  crossed_component = both(diameter ~ 1 + (1 | plate), diameter ~ 1 + (1 | plate) + (1 | sample), penicillin),
  symmetric_to_full = both(score ~ Machine + (1 | Worker / Machine), score ~ Machine + (0 + Machine | Worker), machines,
                           TRUE),
  several_terms = both(angle ~ temperature + (1 | block), angle ~ recipe * temperature + (1 | block), cake),
  fixed_and_slope = both(Reaction ~ 1 + (1 | Subject), Reaction ~ Days + (Days | Subject), sleep),
  regression_reml = against_lm(Yield ~ 1, Yield ~ 1 + (1 | Batch), dyestuff, TRUE),
  regression_ml = against_lm(Yield ~ 1, Yield ~ 1 + (1 | Batch), dyestuff, FALSE))

early <- subset(sleep, Days < 2)
large <- lmer(Reaction ~ Days + (1 | Subject), early, REML = FALSE)
small <- lmer(Reaction ~ 1 + (1 | Subject), early, REML = FALSE)
draws <- 5000
bootstrap <- PBmodcomp(large, small, nsim = draws, seed = 1)
answers$bootstrap <- list(statistic = bootstrap$LRTstat[["tobs"]], p = bootstrap$test["PBtest", "p.value"],
                          n = bootstrap$samples[["npos"]])
write(toJSON(answers, digits = 10, auto_unbox = TRUE, pretty = TRUE), "comparison.json")
