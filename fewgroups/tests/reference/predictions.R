# Reference numbers for fewgroups.predictions, from dense matrices.
#   Rscript predictions.R       reads coefficients_fits.json, data/ and ../../../data/pushups.csv,
#                               writes predictions.json
# Targets are rows of the data: w = x b + z u. Estimates are lme4's predict(); the average's se and df are lmerTest's
# contest1D with Kenward-Roger. For a known group: Henderson's mean squared error from the weights a of the best linear
# unbiased predictor, V a + X l = Z S z', X'a = x', solved as one system; for a new one x Phi_A x' + z S z' with
# pbkrtest's adjusted Phi. df = 2 M^2 / (M' W M'), the derivatives M' by central differences of the whole calculation,
# W the inverse of the expected REML information tr(P G P G)/2.
Sys.setlocale("LC_COLLATE", "C")
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(jsonlite)})

specs <- fromJSON("coefficients_fits.json", simplifyVector = FALSE)
cases <- c("dyestuff", "sleepstudy_intercept", "sleepstudy_slopes", "sleepstudy_independent", "pastes",
           "machines_nested", "machines_unbalanced")
tight <- lmerControl(optimizer = "bobyqa", calc.derivs = FALSE, boundary.tol = 0,
                     check.conv.singular = "ignore", optCtrl = list(rhoend = 1e-9, maxfun = 1e5))

read_case <- function(name) {
  if (name %in% c("pushups", "pushups_short")) {
    d <- read.csv("../../../data/pushups.csv")
    if (name == "pushups_short") {  # unbalanced, with slopes that are not singular: athletes moved apart
      d <- d[d$repeat_id <= 4 & !(d$athlete_id == "maya_03" & d$repeat_id > 2), ]
      d$correctness <- d$correctness + c(alex_02 = .1, david_04 = -.1, maya_03 = 0, susan_01 = 0)[d$athlete_id] +
        c(alex_02 = 0, david_04 = .08, maya_03 = -.05, susan_01 = -.15)[d$athlete_id] * d$session_high
      return(list(data = d, formula = correctness ~ session_high + (session_high | athlete_id)))
    }
    return(list(data = d, formula = correctness ~ session_high + (1 | athlete_id)))
  }
  spec <- specs$fits[[name]]
  d <- read.csv(file.path("data", paste0(spec$data, ".csv")))
  for (v in unlist(specs$data[[spec$data]]$factors)) d[[v]] <- factor(as.character(d[[v]]))
  if (length(spec$without_rows) > 0) d <- d[-unlist(spec$without_rows), ]
  list(data = d, formula = as.formula(paste(spec$formula, "+", spec$lmer)))
}

# gamma: for each random term the lower triangle of its covariance, then the residual variance
pieces <- function(m) {
  re <- getME(m, "Ztlist"); vc <- VarCorr(m); answer <- list()
  cnms <- getME(m, "cnms")
  for (k in seq_along(cnms)) {
    q <- length(cnms[[k]]); Z <- t(as.matrix(getME(m, "Zt")))[, (getME(m, "Gp")[k] + 1):getME(m, "Gp")[k + 1], drop = FALSE]
    psi <- matrix(vc[[k]][seq_len(q), seq_len(q)], q, q)
    for (a in seq_len(q)) for (b in seq_len(a)) {
      E <- matrix(0, q, q); E[a, b] <- E[b, a] <- 1
      answer[[length(answer) + 1]] <- list(value = psi[a, b], Z = Z, D = kronecker(diag(ncol(Z) / q), E))
    }
  }
  answer
}

numbers <- function(m, i) {
  X <- getME(m, "X"); n <- nrow(X); p <- ncol(X); y <- getME(m, "y"); parts <- pieces(m)
  k <- length(parts) + 1
  gamma <- c(sapply(parts, `[[`, "value"), sigma(m)^2)
  G <- c(lapply(parts, function(t) t$Z %*% t$D %*% t(t$Z)), list(diag(n)))
  link <- lapply(parts, function(t) t$Z %*% t$D %*% t$Z[i, ])
  own <- sapply(parts, function(t) sum(t$Z[i, ] * (t$D %*% t$Z[i, ])))
  V_at <- function(g) Reduce(`+`, Map(`*`, g, G))
  error <- function(g, who) {
    V <- V_at(g)
    c <- if (who == "known") Reduce(`+`, Map(`*`, g[-k], link)) else rep(0, n)
    a <- solve(rbind(cbind(V, X), cbind(t(X), matrix(0, p, p))), c(c, X[i, ]))[seq_len(n)]
    free <- if (who == "average") 0 else sum(g[-k] * own)
    list(weights = a, M = sum(a * (V %*% a)) - 2 * sum(a * c) + free)
  }
  V <- V_at(gamma); Vi <- solve(V); Phi <- solve(t(X) %*% Vi %*% X)
  P <- Vi - Vi %*% X %*% Phi %*% t(X) %*% Vi
  PG <- lapply(G, function(g) P %*% g)
  W <- solve(outer(seq_len(k), seq_len(k), Vectorize(function(a, b) sum(PG[[a]] * t(PG[[b]])) / 2)))
  adjusted <- as.matrix(vcovAdj(m))
  adds <- as.numeric(X[i, ] %*% (adjusted - Phi) %*% X[i, ])
  answer <- list()
  for (who in c("average", "known", "new")) {
    at <- error(gamma, who)
    slope <- sapply(seq_len(k), function(j) {
      h <- 1e-4 * sigma(m)^2 * (seq_len(k) == j)
      (error(gamma + h, who)$M - error(gamma - h, who)$M) / (2 * sum(h))
    })
    for (of in c("mean", "score")) {
      if (who == "average" && of == "score") next
      more <- if (of == "score") gamma[k] else 0
      g <- slope + (of == "score") * (seq_len(k) == k)
      M <- at$M + more
      answer[[paste(who, of)]] <- c(sum(at$weights * y), sqrt(M + if (who == "known") 0 else adds),
                                    2 * M^2 / as.numeric(g %*% W %*% g))
    }
  }
  answer
}

answer <- list()
for (name in c(cases, "pushups", "pushups_short")) {
  case <- read_case(name)
  m <- lmerTest::lmer(case$formula, case$data, REML = TRUE, control = tight)
  rows <- unique(round(seq(1, nrow(case$data), length.out = 4)))
  found <- lapply(rows, function(i) numbers(m, i))
  for (r in seq_along(rows)) {  # the packages' own numbers
    i <- rows[r]; f <- found[[r]]
    kr <- contest1D(m, getME(m, "X")[i, ], ddf = "Kenward-Roger")
    stopifnot(all.equal(f[["known mean"]][1], unname(predict(m)[i]), tolerance = 1e-6),
              all.equal(f[["average mean"]][1], unname(predict(m, re.form = NA)[i]), tolerance = 1e-6),
              all.equal(f[["average mean"]], c(kr$Estimate, kr$`Std. Error`, kr$df), tolerance = 1e-5))
  }
  answer[[name]] <- list(rows = I(rows - 1), numbers = found)
  cat(name, "\n"); print(do.call(rbind, found[[1]]))
}
write_json(answer, "predictions.json", digits = I(9), auto_unbox = TRUE)
