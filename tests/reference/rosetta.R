# The R column of lesson 13's table, run: its code, its printout and its numbers.
#   Rscript rosetta.R        reads ../../data/sleepstudy.csv and ../../data/coach_file.csv,
#                            writes ../../data/rosetta.txt (the printout that the lesson shows) and rosetta.json
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
sleepstudy <- read.csv("../../data/sleepstudy.csv")

# lesson:
library(lmerTest)          # loads lme4 and adds degrees of freedom
sleepstudy$Subject <- factor(sleepstudy$Subject)
m <- lmer(Reaction ~ Days + (Days | Subject), data = sleepstudy)
summary(m)
# end

printed <- capture.output(print(summary(m), correlation = FALSE))
from <- grep("REML criterion", printed)
writeLines(sub(" +$", "", printed[-seq_len(from - 1)]), "../../data/rosetta.txt")

coach <- read.csv2("../../data/coach_file.csv", fileEncoding = "UTF-8-BOM", strip.white = TRUE)[, 1:7]
names(coach) <- c("athlete", "date", "session", "planned", "repeat_id", "score", "sleep")
coach <- coach[!is.na(coach$score), ]
coach$dose <- (coach$planned - 20) / 10
coach$order <- coach$session - 1
n <- lmer(score ~ dose + order + (dose | athlete) + (1 | athlete:session), data = coach, control = tight)

numbers <- function(model, ddf) {
  spread <- as.data.frame(VarCorr(model))
  fixed <- summary(model, ddf = ddf)$coefficients
  list(rows = nobs(model), terms = I(rownames(fixed)), estimate = I(unname(fixed[, "Estimate"])),
       se = I(unname(fixed[, "Std. Error"])), df = I(unname(fixed[, "df"])), t = I(unname(fixed[, "t value"])),
       p = I(unname(fixed[, "Pr(>|t|)"])), reml = REMLcrit(model), singular = isSingular(model),
       groups = I(spread$grp), first = I(spread$var1), second = I(spread$var2), sd_or_correlation = I(spread$sdcor))
}
answer <- list(coach_kenward_roger = numbers(n, "Kenward-Roger"))
write_json(answer, "rosetta.json", digits = I(10), auto_unbox = TRUE, na = "null", pretty = TRUE)
