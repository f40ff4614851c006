# Fixed effects and REML log-likelihood of what tests/test_strangers_inputs.py asks for in unusual ways.
#   Rscript strangers.R         reads data/, writes strangers.json
suppressMessages({library(lme4); library(jsonlite)})

sleep <- read.csv("data/sleepstudy.csv")
machines <- transform(read.csv("data/Machines.csv"), Worker = factor(Worker),
                      shift = factor(seq_along(score) %% 2))
pastes <- read.csv("data/Pastes.csv")
tight <- lmerControl(optimizer = "bobyqa", calc.derivs = FALSE, check.conv.singular = "ignore",
                     check.nobs.vs.nRE = "ignore", check.nobs.vs.nlev = "ignore",
                     optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
ask <- function(formula, data) {
  model <- lmer(formula, data, control = tight)
  as.numeric(c(fixef(model), logLik(model)))
}
two_rows <- subset(sleep, Days == Subject %% 5 | Days == 9 - Subject %% 4)
write_json(list(
  random_slopes = ask(Reaction ~ Days + (Days | Subject), sleep),
  uncorrelated = ask(Reaction ~ Days + (Days || Subject), sleep),
  quadratic = ask(Reaction ~ I(Days^2) + (1 | Subject), sleep),
  below_20 = ask(Reaction ~ I(Days - 20) + (1 | Subject), sleep),
  from_day_2 = ask(Reaction ~ Days + (1 | Subject), subset(sleep, Days > 1)),
  two_rows_each = ask(Reaction ~ Days + (Days | Subject), two_rows),
  centred = ask(Reaction ~ Days + (1 | Subject) + (0 + I(Days - mean(Days)) | Subject),
                subset(sleep, Days < Subject %% 9 + 2)),
  slow = ask(as.numeric(Reaction > 300) ~ Days + (1 | Subject), sleep),
  either = ask(Reaction ~ either + (1 | Subject), transform(sleep, either = Days > 7 | Days < 2)),
  nested = ask(score ~ Machine + (1 | Worker / Machine), machines),
  within_shifts = ask(score ~ Machine + (1 | Worker) + (1 | Worker:Machine:shift), machines),
  without_worker_3 = ask(score ~ Machine + (1 | Worker / Machine), subset(machines, Worker != 3)),
  without_machine_b = ask(score ~ Machine + (1 | Worker), subset(machines, Machine != "B")),
  casks_nested = ask(strength ~ 1 + (1 | batch / cask), pastes),
  casks_crossed = ask(strength ~ 1 + (1 | batch) + (1 | cask), pastes)
), "strangers.json", digits = NA, pretty = TRUE)
