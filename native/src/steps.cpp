#include "steps.hpp"

#include "penalties.hpp"
#include "shapes.hpp"

namespace samovar {

const std::vector<Step>& steps() {
    static const std::vector<Step> all{
        {"logit_bias", ANY, logit_bias},
        {"token_bans", 0, token_bans},
        {"ban_eos_token", 0, token_bans},
        {"min_tokens", 1, min_tokens},
        {"encoder_repetition_penalty", 1, encoder_repetition_penalty},
        {"repetition_penalty", 3, repetition_penalty},
        {"frequency_penalty", 2, frequency_penalty},
        {"presence_penalty", 2, presence_penalty},
        {"dry", 4, dry},
        {"no_repeat_ngram", 1, no_repeat_ngram},
        {"top_n_sigma", 1, top_n_sigma},
        {"top_k", 1, top_k},
        {"tfs", 1, tfs},
        {"typical_p", 1, typical_p},
        {"top_p", 1, top_p},
        {"min_p", 1, min_p},
        {"top_a", 1, top_a},
        {"epsilon_cutoff", 1, epsilon_cutoff},
        {"eta_cutoff", 1, eta_cutoff},
        {"xtc", 2, xtc},
        {"temperature", 1, temperature},
        {"dynamic_temperature", 3, dynamic_temperature},
        {"quadratic_sampling", 2, quadratic_sampling},
        {"skew", 1, skew},
    };
    return all;
}

}  // namespace samovar
