# Reference numbers for fewgroups.f_tests of whole terms in models with interactions: lmerTest's type III, which does
# not depend on the coding of factors; numbers are centred, as f_tests takes terms at the mean of numbers.
#   Rscript terms.R    writes terms.json
Sys.setlocale("LC_COLLATE", "C")   # factor levels in the order in which patsy sorts them
suppressMessages({library(lmerTest); library(pbkrtest); library(jsonlite)})
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e5), calc.derivs = FALSE)
models <- list(
  dose_by_recipe = list("cake", angle ~ recipe * temp + (1 | block), c("recipe", "block")),
  nitrogen_by_variety = list("Oats", crop ~ nitro * Variety + (1 | Block) + (1 | Block:Variety), c("Variety", "Block")),
  growth_by_diet = list("Milk", protein ~ Diet * Time + (Time | Cow), c("Diet", "Cow")),
  three_factors = list("ham", liking ~ Product * Information * Gender + (1 | Consumer),
                       c("Product", "Information", "Gender", "Consumer")))
answer <- lapply(models, function(model) {
  d <- read.csv(file.path("data", paste0(model[[1]], ".csv")))
  for (v in model[[3]]) d[[v]] <- factor(as.character(d[[v]]))
  for (v in c("temp", "nitro", "Time")) if (v %in% names(d)) d[[v]] <- d[[v]] - mean(d[[v]])
  m <- lmerTest::lmer(model[[2]], d, control = tight)
  sapply(c("Satterthwaite", "Kenward-Roger"), function(ddf) {
    a <- anova(m, type = "III", ddf = ddf)
    list(term = rownames(a), F = a[["F value"]], num = a[["NumDF"]], den = a[["DenDF"]], p = a[["Pr(>F)"]])
  }, simplify = FALSE)
})
write_json(answer, "terms.json", digits = I(9), auto_unbox = TRUE)
