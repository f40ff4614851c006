# Lesson 08 in R: the anorexia data by t-test, mixed model and ANCOVA, and the powers of t-tests.
#   Rscript two_groups.R     reads ../../data/anorexia.csv, writes two_groups.json
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
anorexia <- read.csv("../../data/anorexia.csv", stringsAsFactors = TRUE)
two <- droplevels(subset(anorexia, Treat != "CBT"))
two$family <- as.integer(two$Treat == "FT")
two$patient <- factor(seq_len(nrow(two)))
long <- rbind(transform(two, time = 0, weight = Prewt), transform(two, time = 1, weight = Postwt))

t <- t.test(Postwt - Prewt ~ family, two, var.equal = TRUE)
mixed <- summary(lmer(weight ~ family * time + (1 | patient), long), ddf = "Kenward-Roger")$coefficients
ancova <- summary(lm(Postwt ~ Prewt + family, two))$coefficients
published <- glm(Postwt ~ Prewt + Treat + offset(Prewt), family = gaussian, data = anorexia)  # as in example(glm)
power <- function(sd, delta, type) power.t.test(n = 20, delta = delta, sd = sd, type = type, strict = TRUE)$power
answer <- list(
  t_test = c(-unname(t$statistic), unname(t$parameter), t$p.value),
  mixed = mixed[, 1:5], ancova = ancova["family", 1:4], published = coef(published),
  change_power = sapply(c(.3, .5, .8), function(r) power(sqrt(2 * (1 - r)), .6, "two.sample")),
  after_power = power(1, .6, "two.sample"), gain_power = power(1, .5, "one.sample"))
write_json(answer, "two_groups.json", digits = I(10), auto_unbox = TRUE, pretty = TRUE)
