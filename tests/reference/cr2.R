# CR2 by clubSandwich for the two data sets of lesson 07: Rscript cr2.R UNEVEN.csv
# UNEVEN.csv: the study with a handful of repeats, written by study.to_csv in the lesson. Numbers in test_lessons.py.
suppressMessages(library(clubSandwich))
for (file in c("../../data/pushups.csv", commandArgs(trailingOnly = TRUE))) {
  data <- read.csv(file)
  test <- coef_test(lm(correctness ~ session_high, data), "CR2", cluster = data$athlete_id, test = "Satterthwaite")
  print(format(unlist(test[2, c("beta", "SE", "df_Satt")]), digits = 9))
}
