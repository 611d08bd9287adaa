// Steps that look at the distribution as a whole: those that cut, and those that bend.
#pragma once

#include "steps.hpp"

namespace samovar {

void top_k(Candidates&, const Settings&, Moment&);                // how many
void top_p(Candidates&, const Settings&, Moment&);                // probability
void min_p(Candidates&, const Settings&, Moment&);                // share of the best probability
void top_a(Candidates&, const Settings&, Moment&);                // share of its square
void top_n_sigma(Candidates&, const Settings&, Moment&);          // standard deviations
void epsilon_cutoff(Candidates&, const Settings&, Moment&);       // probability
void eta_cutoff(Candidates&, const Settings&, Moment&);           // probability
void tfs(Candidates&, const Settings&, Moment&);                  // z
void typical_p(Candidates&, const Settings&, Moment&);            // probability
void xtc(Candidates&, const Settings&, Moment&);                  // probability, threshold
void temperature(Candidates&, const Settings&, Moment&);          // temperature
void dynamic_temperature(Candidates&, const Settings&, Moment&);  // low, high, exponent
void quadratic_sampling(Candidates&, const Settings&, Moment&);   // factor, curve
void skew(Candidates&, const Settings&, Moment&);                 // skew

}  // namespace samovar
