# People and items in lesson 09: what lme4 and lmerTest (Kenward–Roger by pbkrtest) make of the lesson's data.
#
# Rscript tests/reference/clips.R clips.csv > tests/reference/clips.json
# clips.csv: `python -c "from tests.test_lessons import clips; clips()['clips'].to_csv('clips.csv', index=False)"` writes
# it from the lesson's own cells.
suppressMessages(library(lmerTest))
trials <- read.csv(commandArgs(TRUE)[1])
trials[c("keeper", "clip")] <- lapply(trials[c("keeper", "clip")], factor)
one <- function(model, effect) {
  row <- summary(model, ddf = "Kenward-Roger")$coefficients[effect, ]
  sds <- as.data.frame(VarCorr(model))
  list(estimate = row[["Estimate"]], se = row[["Std. Error"]], df = row[["df"]], p = row[["Pr(>|t|)"]],
       loglik = as.numeric(logLik(model)), keeper = sds$sdcor[1], change = sds$sdcor[2], clip = sds$sdcor[3],
       residual = sds$sdcor[4])
}
models <- list(
  half = one(lmer(time ~ half + (half || keeper) + (1 | clip), trials), "half"),
  feint = one(lmer(time ~ feint + (feint || keeper) + (1 | clip), trials), "feint"))
cat(jsonlite::toJSON(models, auto_unbox = TRUE, digits = 10, pretty = TRUE), "\n")
